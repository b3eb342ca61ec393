"""Time series tables: points, series metadata, and how both are kept."""
