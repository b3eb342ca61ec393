"""The settings of a run that reads dead letters."""

from __future__ import annotations

from connectors.settings import Settings


def flow_id(settings: Settings) -> str:
    """The name of a replay by where it reads: their recovery folders do not fit each other."""
    return "replay_table" if settings.replays_table else "replay"


def reading_dead_letters(settings: Settings) -> Settings:
    """The same settings with the dead-letter topic as the source, read from its beginning."""
    dead = settings.dead_letters
    replay = settings.replay
    if settings.replays_table:
        return _dry(settings, {})
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
    return _dry(settings, {"kafka": settings.kafka.model_copy(update=update)})


def _dry(settings: Settings, changes: dict[str, object]) -> Settings:
    if settings.replay.dry_run:
        # It must leave no trace: the offsets of a dry run are kept nowhere.
        changes["recovery"] = settings.recovery.model_copy(update={"required": False})
    return settings.model_copy(update=changes)
