"""The flow against tables that are throttled, or a service that falls behind."""
