"""The steps that a flow is written with, in the order of the data.

A stream between steps carries chunks, each the messages of one poll of one partition, so thousands
of records cost one pass through the engine. Your own functions never see a chunk: `map_records`,
`filter_records` and `flat_map_records` take functions of one `Record`.

The steps of a replay are in replay/steps.py.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from bytewax.operators import KeyedStream

from connectors.batching import builder
from connectors.dead_letters.destinations import Destination
from connectors.dead_letters.policy import ErrorPolicy
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.http_api.observe import observe
from connectors.kafka.source import KafkaSource
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk, DecodedChunk, Record, count_of
from connectors.run.context import Run
from connectors.run.drift_watch import DriftWatch
from connectors.run.recovery import READ, STEPS_WITH_STATE, WINDOW, WRITE
from connectors.run.retry import OutageWait
from connectors.settings.implementations import implementation
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.sink import TablestoreSink
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.topic_gate import TopicGate
from connectors.transforms.chunk_step import ChunkStep, ProgramOf
from connectors.transforms.pipeline import pipeline
from connectors.transforms.uniform import has_programs, program

__all__ = [
    "STEPS_WITH_STATE",
    "batch",
    "decode",
    "filter_records",
    "flat_map_records",
    "map_records",
    "map_rows",
    "read",
    "transform",
    "write",
]

log = logging.getLogger("sync")


def read(flow: Dataflow, run: Run) -> Stream[Chunk]:
    """Read the messages of the configured Kafka topics."""
    if TopicGate.needed_for(run):
        run.readable_topics = TopicGate(run, lambda: TableWriter.of_run(run).checks)
    return op.input(READ, flow, KafkaSource(run))


def decode(step_id: str, chunks: Stream[Chunk], run: Run) -> Stream[DecodedChunk]:
    """Decode messages by the configured formats; one that cannot be decoded is dead-lettered."""
    decoder = ChunkDecoder(run.settings, _keeps_original(run), OutageWait(run).wait)
    run.on_start(decoder.check_registry)
    return op.map(step_id, chunks, run.noting(decoder.decode_chunk))


def transform(step_id: str, records: Stream[DecodedChunk], run: Run) -> Stream[DecodedChunk]:
    """Apply [[transforms]]; without any, no step is added."""
    function = pipeline(run.settings)
    if function is None:
        return records
    transforms = run.settings.transforms
    # Records of tables whose key has a position need one, which programs know nothing of.
    fast = has_programs(transforms) and not run.settings.has_index_columns
    programs = partial(program, transforms) if fast else None
    step = _chunk_step(step_id, run, function, programs)
    return op.map(step_id, records, run.noting(step.apply))


def map_records(
    step_id: str, records: Stream[DecodedChunk], run: Run, function: Callable[[Record], Record]
) -> Stream[DecodedChunk]:
    """Replace each record by the one that the function returns."""

    def apply(record: Record) -> Iterable[Record]:
        return (function(record),)

    return flat_map_records(step_id, records, run, apply)


def filter_records(
    step_id: str, records: Stream[DecodedChunk], run: Run, keep: Callable[[Record], bool]
) -> Stream[DecodedChunk]:
    """Keep the records for which the function is true; the others count as filtered."""

    def apply(record: Record) -> Iterable[Record]:
        return (record,) if keep(record) else ()

    return flat_map_records(step_id, records, run, apply)


def flat_map_records(
    step_id: str,
    records: Stream[DecodedChunk],
    run: Run,
    function: Callable[[Record], Iterable[Record]],
) -> Stream[DecodedChunk]:
    """Replace each record by those that the function returns, made with `Record.with_value`.

    A record of which it makes none counts as filtered; of those beyond the first each counts as
    added. Where the function raises, the record is dead-lettered with code step_failed, and file
    and line as the reason; raise `Rejection` to give a code and a reason of your own.
    """
    return op.map(step_id, records, run.noting(_chunk_step(step_id, run, function).apply))


def _chunk_step(
    step_id: str,
    run: Run,
    function: Callable[[Record], Iterable[Record]],
    program_of: ProgramOf | None = None,
) -> ChunkStep:
    return ChunkStep(step_id, function, _keeps_original(run), run.counts.step_done, program_of)


def map_rows(step_id: str, records: Stream[DecodedChunk], run: Run) -> KeyedStream[Batch]:
    """Map records to encoded rows, keyed by the shard of their table and primary key."""
    # A replay reads dead letters, and writes to the tables of the topics that they came from.
    of_topics = run.settings.model_copy(update={"kafka": run.topics_kafka})
    keep_original = _keeps_original(run)
    mapper = RowMapper(
        run.settings, RowEncoder(), keep_original, PointEncoder(), tables=of_topics.known_tables()
    )
    counts = run.counts
    watch = DriftWatch(run.settings, run.meters.drift.note, run.clock)

    def map_chunk(chunk: DecodedChunk) -> list[tuple[str, Batch]]:
        watch.look(chunk)
        rows = mapper.map_chunk(chunk)
        counts.mapped(
            sum(
                [
                    sum(map(count_of, segments)) + len(dead_letters)
                    for _, (segments, dead_letters) in rows
                ]
            )
        )
        return rows

    return op.flat_map(step_id, records, run.noting(map_chunk))


def batch(rows: KeyedStream[Batch], run: Run) -> KeyedStream[Batch]:
    """Collect the rows of each shard until a batch is full or old enough, as [window] says."""
    window = run.settings.window
    build = builder(window, run.counts.new_batcher, run.read_limits.watch, clock=run.now)
    return op.stateful_batch(WINDOW, rows, build)


def write(batches: KeyedStream[Batch], run: Run, tables: Sequence[str] | None = None) -> None:
    """Write batches to Tablestore; dead letters go where [errors] says.

    `tables` are checked, or created, at the start: those of the topics and routes unless given.
    """
    observe(run)
    if tables is None:
        tables = topics_tables(run)
    shards = RowMapper(run.settings, RowEncoder()).shard_names
    writer = TableWriter.of_run(run)
    sink = TablestoreSink(run, shards, tables, writer, error_policy(run, writer))
    op.output(WRITE, batches, sink)


def topics_tables(run: Run) -> list[str]:
    """The tables that are known before anything is read: those of named topics, and of routes."""
    if run.settings.kafka.topics_pattern is not None:
        return [*run.settings.mapping.route_tables]
    return run.settings.known_tables()


def error_policy(run: Run, writer: TableWriter) -> ErrorPolicy:
    """What [errors] says, with its destination; the dead-letter table is written by `writer`."""
    make: Callable[[Run, TableWriter], Destination]
    make = implementation(run.settings.errors.destination.implementation)
    return ErrorPolicy(run, make(run, writer))


def _keeps_original(run: Run) -> bool:
    """Whether dead letters must carry the bytes of their record."""
    return run.settings.errors.needs_original


# Steps that were here, by their former names.
_FORMER_REPLAY_STEPS = {
    "read_letters": "read_dead_letters",
    "read_dead_letters": "read_dead_letters",
    "send_back": "send_back",
    "only_missing": "only_missing",
    "show": "show",
}


def __getattr__(name: str) -> Any:
    """The former names of steps, for pages that use them."""
    found: Any
    if name == "window":
        found, present = batch, "connectors.steps.batch"
    elif name in _FORMER_REPLAY_STEPS:
        from connectors.replay import steps as replay_steps  # noqa: PLC0415

        present = f"connectors.replay.steps.{_FORMER_REPLAY_STEPS[name]}"
        found = getattr(replay_steps, _FORMER_REPLAY_STEPS[name])
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    log.warning("connectors.steps.%s is the former name of %s", name, present)
    return found
