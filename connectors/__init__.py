"""What a Kafka-to-Tablestore flow is made of; the modules stand in the order of the data."""
