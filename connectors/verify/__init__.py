"""`tablestore-sync verify`: records of Kafka compared with what the tables hold of them."""
