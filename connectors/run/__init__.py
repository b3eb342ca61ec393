"""What one run of a flow knows about itself: its settings, counts, end, and recovery folder."""
