"""Avro, by readers of our own that are compiled from schemas."""
