"""The settings of a run that reads the dead-letter topic."""

from __future__ import annotations

from connectors.settings import Settings


def reading_dead_letters(settings: Settings) -> Settings:
    """The same settings with the dead-letter topic as the source, read from its beginning."""
    dead = settings.dead_letters
    replay = settings.replay
    chunk = settings.kafka.chunk_messages
    if replay.rate is not None:
        chunk = max(1, min(chunk, int(replay.rate)))  # the pause after a chunk stays short
    if replay.count is not None:
        chunk = 1  # nothing is read beyond it, but one letter a partition
    update: dict[str, object] = {
        "topics": (dead.topic,),
        "topics_pattern": None,
        "group": f"{settings.kafka.group}-replay",
        "start": "earliest",
        "chunk_messages": chunk,
    }
    if dead.bootstrap_servers is not None:
        update |= {
            "bootstrap_servers": dead.bootstrap_servers,
            "properties": dead.properties,
            "secret_properties": dead.secret_properties,
            "secret_property_files": dead.secret_property_files,
        }
    changes: dict[str, object] = {"kafka": settings.kafka.model_copy(update=update)}
    if replay.dry_run:
        # It must leave no trace: the offsets of a dry run are kept nowhere.
        changes["recovery"] = settings.recovery.model_copy(update={"required": False})
    return settings.model_copy(update=changes)
