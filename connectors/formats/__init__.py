"""The formats: from bytes to values, one module for each."""
