"""Replay: turns dead letters back into records, for the mapping or for their topics."""
