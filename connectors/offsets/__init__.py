"""`tablestore-sync offsets`: where a run goes on, and how that is changed while it is stopped."""
