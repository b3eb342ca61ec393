"""Adapts the settings of a flow to a run that reads its dead letters."""

from __future__ import annotations

from connectors.errors import StopRun
from connectors.settings import Settings


def flow_id(settings: Settings) -> str:
    """The flow id of a replay, by its source: their states in a recovery folder differ."""
    return "replay_table" if settings.replays_table else "replay"


def reading_dead_letters(settings: Settings) -> Settings:
    """The settings with the dead letters as the source, read from the earliest.

    Raises StopRun when no source is set and errors.dead_letters keeps no records.
    """
    dead_letters = settings.dead_letters
    replay = settings.replay
    if replay.source is None and not settings.errors.keeps_records:
        raise StopRun(
            f'replay: errors.dead_letters is "{settings.errors.dead_letters}", which keeps no '
            "record.\n  remedy: say where there are dead letters, by replay.source = "
            '"topic" or "table" (--from)'
        )
    # Records that are rejected again go back to where they came from.
    destination = "tablestore" if settings.replays_table else "kafka"
    errors = settings.errors.model_copy(update={"dead_letters": destination})
    if settings.replays_table:
        return _with_dry_run(settings, {"errors": errors})
    chunk = settings.kafka.chunk_messages
    if replay.rate is not None:
        chunk = max(1, min(chunk, int(replay.rate)))  # the pause after a chunk stays short
    if replay.count is not None:
        chunk = 1  # nothing after the last one is read
    update: dict[str, object] = {
        "topics": (dead_letters.topic,),
        "topics_pattern": None,
        "group": f"{settings.kafka.group}-replay",
        "start": "earliest",
        "chunk_messages": chunk,
        "unreadable_batch": "stop",  # a dead letter is of one record
    }
    if dead_letters.bootstrap_servers is not None:
        update |= {
            "bootstrap_servers": dead_letters.bootstrap_servers,
            "properties": dead_letters.properties,
            "secret_properties": dead_letters.secret_properties,
            "secret_property_files": dead_letters.secret_property_files,
        }
    kafka = settings.kafka.model_copy(update=update)
    return _with_dry_run(settings, {"kafka": kafka, "errors": errors})


def _with_dry_run(settings: Settings, changes: dict[str, object]) -> Settings:
    if settings.replay.dry_run:
        # A dry run changes nothing, so it needs no place for its offsets.
        changes["recovery"] = settings.recovery.model_copy(update={"required": False})
    return settings.model_copy(update=changes)
