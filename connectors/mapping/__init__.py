"""From a record to a row: its table, key, columns and values."""
