"""The demo: orders in Kafka, the flow, Tablestore and the check of the result, on one machine."""
