"""The operators that a flow is written with. Each lifts a plain function of one record over chunks.

A chunk is what one poll of one partition gave: thousands of records cost one pass through the
engine. Whoever writes steps never sees one: `map_records`, `filter_records` and
`flat_map_records` take functions of one `Record`.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow, Stream
from bytewax.operators import KeyedStream

from connectors.batching import builder
from connectors.dead_letters.destinations import Destination, DiscardDestination, LogDestination
from connectors.dead_letters.policy import ErrorPolicy
from connectors.errors import Rejection
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.kafka.dead_letter_sink import KafkaDeadLetterSink
from connectors.kafka.dead_letter_source import KafkaDeadLetterSource
from connectors.kafka.source import KafkaSource
from connectors.kafka.topic_sink import ONE, KafkaTopicSink
from connectors.mapping.isolate import isolated
from connectors.mapping.row_mapper import RowMapper
from connectors.records import (
    Batch,
    Chunk,
    DeadLetter,
    DecodedChunk,
    Record,
    RecordChunk,
    count_of,
    original,
)
from connectors.replay.restore import Restorer, shown, would_send
from connectors.run.context import Run
from connectors.run.retry import OutageWait
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.dead_letter_sink import TableDeadLetterSink
from connectors.tablestore.dead_letter_source import TableDeadLetterSource
from connectors.tablestore.row_encoder import RowEncoder, expecting_none
from connectors.tablestore.sink import TablestoreSink
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.transforms.pipeline import pipeline

log = logging.getLogger("sync.replay")

# The steps that have state in the recovery store. Renaming one orphans the rows that wait in it, so
# these names are a contract: the recovery folder's manifest holds them.
READ, WINDOW, WRITE = "read", "window", "write"
STEPS_WITH_STATE = (READ, WINDOW, WRITE)


def read(flow: Dataflow, run: Run) -> Stream[Chunk]:
    """Messages from Kafka, in chunks."""
    return op.input(READ, flow, KafkaSource(run))


def decode(step_id: str, chunks: Stream[Chunk], run: Run) -> Stream[DecodedChunk]:
    """Bytes to values by the configured formats. A bad record is set aside, never raised."""
    decoder = ChunkDecoder(run.settings, _keep(run), OutageWait(run).wait)
    return op.map(step_id, chunks, decoder.decode_chunk)


def transform(step_id: str, records: Stream[DecodedChunk], run: Run) -> Stream[DecodedChunk]:
    """What [[transforms]] says. Without any there is no step, and nothing on the way."""
    function = pipeline(run.settings)
    return records if function is None else flat_map_records(step_id, records, run, function)


def map_records(
    step_id: str, records: Stream[DecodedChunk], run: Run, function: Callable[[Record], Record]
) -> Stream[DecodedChunk]:
    """Each record becomes what the function returns."""

    def one(record: Record) -> Iterable[Record]:
        return (function(record),)

    return flat_map_records(step_id, records, run, one)


def filter_records(
    step_id: str, records: Stream[DecodedChunk], run: Run, keep: Callable[[Record], bool]
) -> Stream[DecodedChunk]:
    """Only the records for which the function is true go on; the others count as filtered."""

    def some(record: Record) -> Iterable[Record]:
        return (record,) if keep(record) else ()

    return flat_map_records(step_id, records, run, some)


def flat_map_records(
    step_id: str,
    records: Stream[DecodedChunk],
    run: Run,
    function: Callable[[Record], Iterable[Record]],
) -> Stream[DecodedChunk]:
    """Each record becomes any number of records. Make them with `Record.with_value`.

    A record on which the function raises is rejected, with the place of the error as the reason;
    raise `Rejection` to give a reason of your own.
    """
    keep = _keep(run)

    def apply(chunk: DecodedChunk) -> RecordChunk:
        out: list[Record] = []
        dead = list(chunk.dead_letters)
        for record in chunk.records:
            try:
                made = list(function(record))
                for item in made:
                    if type(item) is not Record:
                        raise Rejection(
                            "step_failed",
                            f"step {step_id!r} returned a {type(item).__name__} instead of a "
                            "Record: use record.with_value(...)",
                        )
                out += made
            except Rejection as rejection:
                dead.append(_dead(record, rejection.code, rejection.reason, keep))
            except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
                reason = f"step {step_id!r} {_place(error)}"
                dead.append(_dead(record, "step_failed", reason, keep))
        fallen = len(dead) - len(chunk.dead_letters)
        run.counts.add("filtered", len(chunk.records) - fallen - len(out))
        return RecordChunk(chunk.topic, chunk.partition, out, dead)

    return op.map(step_id, records, apply)


def map_rows(step_id: str, records: Stream[DecodedChunk], run: Run) -> KeyedStream[Batch]:
    """Records to rows as bytes, each on the shard of its table and primary key."""
    # A replay reads dead letters, and writes to the tables of the topics that they came from.
    origin = run.settings.model_copy(update={"kafka": run.origin})
    mapper = RowMapper(
        run.settings, RowEncoder(), _keep(run), PointEncoder(), tables=origin.known_tables()
    )
    mapped = isolated(mapper.map_chunk, mapper.shard_names, _keep(run))
    counts = run.counts

    def map_chunk(chunk: DecodedChunk) -> list[tuple[str, Batch]]:
        rows = mapped(chunk)
        counts.mapped(
            sum([sum(map(count_of, segments)) + len(dead) for _, (segments, dead) in rows])
        )
        return rows

    return op.flat_map(step_id, records, map_chunk)


def window(rows: KeyedStream[Batch], run: Run) -> KeyedStream[Batch]:
    """Rows wait here until their batch is full or old enough."""
    return op.stateful_batch(WINDOW, rows, builder(run.settings.window, run.counts.open_window))


def write(batches: KeyedStream[Batch], run: Run, tables: Sequence[str] | None = None) -> None:
    """Batches to Tablestore; what is refused goes where the tolerance says.

    `tables` are made sure of at the start: those of the topics and routes, unless given.
    """
    if tables is None:
        tables = topics_tables(run)
    shards = RowMapper(run.settings, RowEncoder()).shard_names
    writer = TableWriter.of_run(run)
    sink = TablestoreSink(run, shards, tables, writer, error_policy(run, writer))
    op.output(WRITE, batches, sink)


def topics_tables(run: Run) -> list[str]:
    """The tables known before anything is read: of topics that are named, and of routes."""
    if run.settings.kafka.topics_pattern is not None:
        return [*run.settings.mapping.route_tables]
    return run.settings.known_tables()


def read_dead_letters(flow: Dataflow, run: Run) -> Stream[Chunk]:
    """The records of the dead letters in their topic or table, as far as [replay] selects them.

    The run ends with the last.
    """
    run.ends_when_read = True
    run.leaves_no_trace = run.settings.replay.dry_run
    restorer = Restorer(run)
    if run.settings.replays_table:
        dead_letters = op.input(
            READ, flow, TableDeadLetterSource(run, restorer.admits, restorer.restored)
        )
    else:
        dead_letters = op.input(READ, flow, KafkaDeadLetterSource(run, restorer.admits))
    return op.flat_map("restore", dead_letters, restorer.restore)


def send_back(chunks: Stream[Chunk], run: Run) -> None:
    """Messages to the topics that they came from; or what would be sent, with replay.dry_run."""
    if run.settings.replay.dry_run:

        def lines(chunk: Chunk) -> Iterable[str]:
            run.counts.add("filtered", len(chunk.messages))
            return would_send(chunk, run.settings.errors.log_payload)

        op.output("show", op.flat_map("lines", chunks, lines), StdOutSink())
        return
    op.output(WRITE, op.key_on("one_lane", chunks, lambda _: ONE), KafkaTopicSink(run))


def only_missing(step_id: str, rows: KeyedStream[Batch], run: Run) -> KeyedStream[Batch]:
    """With replay.only_missing each row is written only where there is none of its key.

    Deletes are skipped and count as filtered.
    """
    if not run.settings.replay.only_missing:
        tables = run.settings.replaced_by_replay(run.origin.topics)
        if tables:
            log.warning(
                "a replayed row replaces what stands in table %s by now, newer or not: "
                "replay.only_missing = true writes only where there is no row of its key, and with "
                "version in the table's rules what is newer stays",
                ", ".join(tables),
            )
        return rows

    def only(batch: Batch) -> Batch:
        found, skipped = expecting_none(batch)
        run.counts.mapped(-skipped)
        run.counts.add("filtered", skipped)
        return found

    return op.map_value(step_id, rows, only)


def show(step_id: str, rows: KeyedStream[Batch], run: Run) -> None:
    """Print what would become of each record, and write nothing."""

    def lines(item: tuple[str, Batch]) -> Iterable[str]:
        run.counts.add("filtered", sum(map(count_of, item[1][0])))
        run.counts.reject(item[1][1], "show")
        return shown(item[1], run.settings.errors.log_payload)

    op.output(f"{step_id}_print", op.flat_map(step_id, rows, lines), StdOutSink())


# Where dead letters may go, by the word in errors.dead_letters.
DESTINATIONS: dict[str, Callable[[Run, TableWriter], Destination]] = {
    "log": lambda run, _: LogDestination(run),
    "ignore": lambda _run, _writer: DiscardDestination(),
    "kafka": lambda run, _: KafkaDeadLetterSink(run),
    "tablestore": TableDeadLetterSink,
}


def error_policy(run: Run, writer: TableWriter) -> ErrorPolicy:
    """What [errors] says, with its destination; the dead-letter table is written by `writer`."""
    return ErrorPolicy(run, DESTINATIONS[run.settings.errors.dead_letters](run, writer))


def _keep(run: Run) -> bool:
    """Whether each record's own bytes travel along, for dead letters that carry them."""
    return run.settings.errors.needs_original


def _dead(record: Record, code: str, reason: str, keep: bool) -> DeadLetter:
    kept = original(record.message) if keep else None
    return DeadLetter(
        record.topic, record.partition, record.offset, "transform", code, reason, kept
    )


def _place(error: BaseException) -> str:
    """What was raised and where, without its text: that may hold the record's values."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"raised {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
