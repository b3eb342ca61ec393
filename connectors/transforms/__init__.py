"""The transforms of config.toml, which change records between decode and map_rows."""
