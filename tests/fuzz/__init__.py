"""Random configurations, answers of a Schema Registry and answers of Tablestore: `make fuzz`."""
