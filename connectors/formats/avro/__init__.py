"""Avro, read by functions that are compiled from schemas."""
