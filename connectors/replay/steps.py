"""The steps of a replay and of a backfill: what they read, and what they write.

A replay reads dead letters, and may print instead of writing; a backfill reads a bounded range.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow, Stream
from bytewax.operators import KeyedStream

from connectors.kafka.dead_letter_source import KafkaDeadLetterSource
from connectors.kafka.range_source import KafkaRangeSource
from connectors.kafka.topic_sink import SINGLE_KEY, KafkaTopicSink
from connectors.records import Batch, Chunk, count_of
from connectors.replay.preview import preview_messages, preview_rows
from connectors.replay.restore import Restorer
from connectors.run.context import Run
from connectors.run.recovery import READ, WRITE
from connectors.tablestore.dead_letter_source import TableDeadLetterSource
from connectors.tablestore.row_encoder import expecting_none

log = logging.getLogger("sync.replay")


def read_dead_letters(flow: Dataflow, run: Run) -> Stream[Chunk]:
    """The original messages of the dead letters that [replay] selects, from their topic or table.

    The run drains after the last one.
    """
    restorer = Restorer(run)
    if run.settings.replays_table:
        dead_letters = op.input(
            READ, flow, TableDeadLetterSource(run, restorer.admits, restorer.restored)
        )
    else:
        dead_letters = op.input(READ, flow, KafkaDeadLetterSource(run, restorer.admits))
    return op.flat_map("restore", dead_letters, restorer.restore)


def read_range(flow: Dataflow, run: Run) -> Stream[Chunk]:
    """The records that [backfill] selects, each once; the run drains after the last one."""
    return op.input(READ, flow, KafkaRangeSource(run))


def send_back(chunks: Stream[Chunk], run: Run) -> None:
    """Send messages to the topics that they came from; with replay.dry_run only print them."""
    if run.settings.replay.dry_run:

        def preview(chunk: Chunk) -> Iterable[str]:
            run.counts.add("filtered", len(chunk.messages))
            return preview_messages(chunk, run.settings.errors.log_payload)

        op.output("show", op.flat_map("lines", chunks, preview), StdOutSink())
        return
    keyed = op.key_on("one_lane", chunks, lambda _: SINGLE_KEY)
    op.output(WRITE, keyed, KafkaTopicSink(run))


def only_missing(
    step_id: str, rows: KeyedStream[Batch], run: Run, topics: Sequence[str] | None = None
) -> KeyedStream[Batch]:
    """With replay.only_missing, write each row only where the table has no row of its key.

    Deletes are dropped then, and count as filtered. Without the setting rows pass as they are, and
    the log warns of tables whose rows are replaced. `topics` are those of the records; those that
    [replay] selects unless given.
    """
    if not run.settings.replay.only_missing:
        settings = run.settings
        if topics is None:
            tables = settings.replaced_by_replay(run.topics_kafka.topics)
        else:
            tables = settings.tables_replaced(topics)
        if tables:
            log.warning(
                "%s replaces the present row of its key in table %s, newer or not: "
                "replay.only_missing = true writes only where there is no row of its key, and with "
                "version in the table's rules the newer values stay",
                "a replayed row" if topics is None else "a row of the backfill",
                ", ".join(tables),
            )
        return rows

    def only(batch: Batch) -> Batch:
        found, dropped = expecting_none(batch)
        run.counts.mapped(-dropped)
        run.counts.add("filtered", dropped)
        return found

    return op.map_value(step_id, rows, only)


def show(step_id: str, rows: KeyedStream[Batch], run: Run) -> None:
    """Print what would become of each record, and write nothing."""

    def preview(item: tuple[str, Batch]) -> Iterable[str]:
        segments, dead_letters = item[1]
        run.counts.add("filtered", sum(map(count_of, segments)))
        run.counts.reject(dead_letters, "show")
        return preview_rows(item[1], run.settings.errors.log_payload)

    op.output(f"{step_id}_print", op.flat_map(step_id, rows, preview), StdOutSink())
