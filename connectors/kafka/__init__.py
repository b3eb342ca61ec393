"""From Kafka: the source."""
