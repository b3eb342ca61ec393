"""Each mode of the configuration beside the plain one (bench/README.md)."""
