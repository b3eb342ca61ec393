"""Avro: a reader of our own, compiled from the writer's schema and the reader's, if there is one."""
