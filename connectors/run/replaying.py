"""The former home of replay/adapt_settings.py, kept for copies of flows/replay.py that import it.

Users copy that page, so its import has to go on working, as former names of steps and options do.
It is the one module that imports a room above its own; nothing here imports it.
"""

from connectors.replay.adapt_settings import flow_id, reading_dead_letters

__all__ = ["flow_id", "reading_dead_letters"]
