"""How bytes become values: one module a format."""
