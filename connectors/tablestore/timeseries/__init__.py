"""Points of time series on the wire."""
