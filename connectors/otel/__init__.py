"""Export to OpenTelemetry, by its standard environment variables. Needs the extra `otel`."""
