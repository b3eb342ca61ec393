"""Kafka: the source, the dead-letter topic and the topics that a replay sends records back to."""
