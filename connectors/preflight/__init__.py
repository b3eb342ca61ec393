"""What must hold before a run: settings, Kafka, Tablestore, the recovery folder, this machine."""
