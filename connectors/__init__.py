"""What a Kafka-to-Tablestore dataflow is made of; the order of the modules is the order of the data."""
