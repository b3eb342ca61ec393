"""Real processes, killed and stopped again and again under faults of every kind: `make torture`."""
