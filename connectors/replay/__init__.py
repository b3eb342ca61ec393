"""Replay: reads dead letters and makes records of them again, for the mapping or their topics."""
