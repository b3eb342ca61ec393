"""From a record to a point of a time series: its series, time and fields."""
