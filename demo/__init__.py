"""The whole journey on one machine: orders in Kafka, the flow, Tablestore, and the proof."""
