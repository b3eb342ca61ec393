"""The HTTP endpoint of a process, or of all processes of a run: page, metrics, status, health."""
