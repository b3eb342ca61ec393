"""The former home of replay/adapt_settings.py, for flow pages that import it from here."""

from connectors.replay.adapt_settings import flow_id, reading_dead_letters

__all__ = ["flow_id", "reading_dead_letters"]
