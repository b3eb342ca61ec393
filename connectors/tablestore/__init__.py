"""To Tablestore: rows as bytes, requests, answers."""
