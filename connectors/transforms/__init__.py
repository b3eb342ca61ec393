"""Transforms that config.toml names, one after the other between decode and map_rows."""
