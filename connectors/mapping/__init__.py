"""From a record to a row: which table, which key, which columns, which values."""
