"""From a record to a point of a time series: which series, which time, which fields."""
