"""Commands to a run that goes on, through a Unix socket in its recovery folder."""
