"""The settings of a run that reads dead letters."""

from __future__ import annotations

from connectors.errors import StopRun
from connectors.settings import Settings


def flow_id(settings: Settings) -> str:
    """The name of a replay by where it reads: their recovery folders do not fit each other."""
    return "replay_table" if settings.replays_table else "replay"


def reading_dead_letters(settings: Settings) -> Settings:
    """The same settings with the dead letters as the source, read from their beginning.

    Raises StopRun where there are none.
    """
    dead = settings.dead_letters
    replay = settings.replay
    if replay.source is None and settings.errors.dead_letters in ("log", "ignore"):
        raise StopRun(
            f'replay: errors.dead_letters is "{settings.errors.dead_letters}", which keeps no '
            "record.\n  remedy: say where there are dead letters, by replay.source = "
            '"topic" or "table" (--from)'
        )
    # What is rejected again goes back to where it came from.
    where = "tablestore" if settings.replays_table else "kafka"
    errors = settings.errors.model_copy(update={"dead_letters": where})
    if settings.replays_table:
        return _dry(settings, {"errors": errors})
    chunk = settings.kafka.chunk_messages
    if replay.rate is not None:
        chunk = max(1, min(chunk, int(replay.rate)))  # the pause after a chunk stays short
    if replay.count is not None:
        chunk = 1  # nothing is read beyond it
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
    kafka = settings.kafka.model_copy(update=update)
    return _dry(settings, {"kafka": kafka, "errors": errors})


def _dry(settings: Settings, changes: dict[str, object]) -> Settings:
    if settings.replay.dry_run:
        # It must leave no trace: the offsets of a dry run are kept nowhere.
        changes["recovery"] = settings.recovery.model_copy(update={"required": False})
    return settings.model_copy(update=changes)
