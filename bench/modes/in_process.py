"""The modes without a broker and a service: bytes to rows, in this process.

CPU time of the steps decode, transform and map_rows, on messages that are made beforehand. All
modes take their turns, each right behind the plain one on the same cells, so that a ratio is of the
same minute. What every mode has alike (consuming, batching, sending) is left out: a mode that is
slower here is less so in a flow.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from confluent_kafka import Message

from bench.modes import schemas
from bench.modes.cases import MODES, Mode, sections_of
from bench.modes.sources import SOURCES, numbered, sample
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.transforms.chunk_step import ChunkStep
from connectors.transforms.pipeline import pipeline
from connectors.transforms.uniform import has_programs, program

MESSAGES = 2_000  # of a chunk
CHUNKS = 6

Rows = list[tuple[str, Batch]]
Run = Callable[[Chunk], Rows]


class Timing(NamedTuple):
    """What one mode took."""

    name: str
    microseconds: list[float]
    """CPU time a row, one figure a turn."""
    ratios: list[float]
    """Of the plain mode's time to this one's, in each turn."""

    @property
    def ratio(self) -> float:
        """The share of plain's speed that the mode has."""
        return median(self.ratios)


def run_of(settings: Settings) -> Run:
    """The steps from a chunk of messages to its rows, as the flow has them."""
    keep = settings.errors.needs_original
    decoder = ChunkDecoder(settings, keep)
    mapper = RowMapper(settings, RowEncoder(), keep, PointEncoder())
    function = pipeline(settings)
    flat = FlatBuffers() if settings.tablestore.timeseries_encoding == "flatbuffers" else None
    transforms = settings.transforms
    programs = partial(program, transforms) if has_programs(transforms) else None
    step = ChunkStep("t", function, keep, lambda *_: None, programs) if function else None

    def run(chunk: Chunk) -> Rows:
        decoded = decoder.decode_chunk(chunk)
        rows = mapper.map_chunk(decoded if step is None else step.apply(decoded))
        if flat is not None:
            for _, (segments, _) in rows:
                for segment in segments:
                    flat.encode([row.wire for row in segment.rows()])
        return rows

    return run


def settings_of(mode: Mode, registry: str) -> Settings:
    """The settings of a mode."""
    kafka = {"bootstrap_servers": "127.0.0.1:1", "topics": ["orders"]}
    return Settings.model_validate({"kafka": kafka, **sections_of(mode, registry)})


def chunks_of(source: str, count: int = CHUNKS, messages: int = MESSAGES) -> list[Chunk]:
    """Chunks of one partition."""
    now = time.time_ns() // 1_000_000
    samples = [numbered(one, at) for at, one in enumerate(sample(source, count * messages))]
    made: list[Any] = [
        Message(
            topic="orders", partition=0, offset=at, key=key, value=value, timestamp=(1, now + at)
        )
        for at, (key, value) in enumerate(samples)
    ]
    return [
        Chunk("orders", 0, made[start : start + messages])
        for start in range(0, len(made), messages)
    ]


def measure(names: Sequence[str], turns: int) -> list[Timing]:
    """Run the modes in turns."""
    sources = {MODES[name].source for name in names}
    work = {one: chunks_of(one) for one in sources | {SOURCES[one].plain for one in sources}}
    timings = []
    with schemas.registry() as registry:
        plain = {one: run_of(settings_of(Mode(), registry)) for one in work}
        runs = {name: run_of(settings_of(MODES[name], registry)) for name in names}
        for _ in range(2):  # past what is learnt first
            for name, run in runs.items():
                for chunk in work[MODES[name].source]:
                    run(chunk)
            for source, run in plain.items():
                for chunk in work[source]:
                    run(chunk)
        for name, run in runs.items():
            timings.append(Timing(name, [], []))
            for _ in range(turns):
                source = SOURCES[MODES[name].source].plain
                beside = _time(plain[source], work[source])
                took = _time(run, work[MODES[name].source])
                timings[-1].microseconds.append(took)
                timings[-1].ratios.append(beside / took)
    return timings


def _time(run: Run, work: Sequence[Chunk]) -> float:
    """µs of CPU time a row."""
    gc.disable()
    start = time.process_time()
    for chunk in work:
        run(chunk)
    took = time.process_time() - start
    gc.enable()
    return took / (len(work) * MESSAGES) * 1e6
