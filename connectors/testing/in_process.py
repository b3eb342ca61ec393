"""Flows in the process of a test: on lists of messages, with its own clock."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol

from bytewax.dataflow import Dataflow

from connectors.mapping.row_mapper import RowMapper
from connectors.records import Chunk, DeadLetter, PlainMessage
from connectors.run.context import Run
from connectors.run.embedding import Embedding, embedded
from connectors.settings import Settings
from connectors.settings.loading import from_values, load
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.sink import TablestoreSink
from connectors.testing.captured import Captured, CapturedRow, CapturingSink
from connectors.testing.clock import Clock
from connectors.testing.engine import Engine

GetFlow = Callable[[Any], Dataflow]
Config = str | Path | dict[str, Any] | Settings


class LocalInstance(Protocol):
    """An instance of a local Tablestore, such as emulator.testing's `tablestore_instance`."""

    @property
    def arguments(self) -> tuple[str, str, str, str]:
        """The endpoint, access key id, access key secret and instance name."""
        ...


class FlowResult(NamedTuple):
    """What became of the messages of a flow."""

    rows: list[CapturedRow]
    """In the order of topic, partition and offset; empty where a local Tablestore has them."""
    rejected: list[DeadLetter]
    """Empty where dead letters went to their own destination, with a local Tablestore."""
    counts: dict[str, int]
    """read, written, rejected, filtered, added and so on, as in the last line of a run."""


class FlowDriver:
    """Runs a flow's page step by step: send messages, move the time, look at the rows.

        with FlowDriver(get_flow, "config.toml") as flow:
            flow.send(message({"order_id": "1"}))
            flow.advance(0.5)      # window.age
            assert flow.rows[0].key == {"order_id": "1"}

    Decoding, transforms, the page's steps, mapping, batching and the error policy are those of a
    run. Without `tablestore` the rows and the rejected records are kept in memory; with it they are
    written by the real sink. Nothing is read from Kafka.
    """

    def __init__(
        self,
        get_flow: GetFlow,
        config: Config,
        *,
        tablestore: LocalInstance | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`config` is the path of a file, its values, or settings.

        Raises ConfigError, StopRun where the flow would stop at its start, and ValueError for a
        flow that has other inputs than `steps.read`.
        """
        self.clock = clock or Clock()
        self._folder = tempfile.TemporaryDirectory()
        self.settings = settings_of(config, tablestore, Path(self._folder.name))
        self._captured = Captured([], [])
        self._offsets: dict[tuple[str, int], int] = {}
        embedding = Embedding(self.clock.monotonic, self.clock.now, self.clock.advance)
        with embedded(embedding):
            flow = get_flow(self.settings)
        if len(embedding.runs) != 1:
            raise ValueError(f"get_flow has called connectors.start {len(embedding.runs)} times")
        self._run = embedding.runs[0]
        self._engine = Engine(
            flow, self.clock, self._captured_sink if tablestore is None else lambda sink: sink
        )

    @property
    def run(self) -> Run:
        """The run of the flow."""
        return self._run

    @property
    def rows(self) -> list[CapturedRow]:
        """The rows so far, in the order of topic, partition and offset."""
        rows = [row for batch in self._captured.batches for row in batch]
        return sorted(rows, key=lambda row: row.coordinates)

    @property
    def batches(self) -> list[list[CapturedRow]]:
        """The same rows as they were batched, in the order of writing."""
        return self._captured.batches

    @property
    def rejected(self) -> list[DeadLetter]:
        """The dead letters of the records rejected so far."""
        return self._captured.rejected

    @property
    def counts(self) -> dict[str, int]:
        """Records by what became of them so far."""
        return self._run.counts.snapshot()

    def send(self, *messages: PlainMessage) -> None:
        """Let the source read messages, neighbours of one partition in one chunk.

        Returns when everything but the rows that wait in their batch is written. Raises StopRun
        where the run would stop.
        """
        placed = [self._placed(one) for one in messages]
        chunks = []
        for (topic, partition), some in groupby(placed, lambda m: (m.topic(), m.partition())):
            chunks.append(Chunk(topic, partition, [*some]))
        self._run.counts.add("read", len(placed))
        self._engine.push(chunks)

    def advance(self, seconds: float) -> None:
        """Let time pass: batches that have waited for window.age are written."""
        self._engine.advance(seconds)

    def end(self) -> FlowResult:
        """Drain: all that was sent is written. Raises StopRun as `send` does."""
        self._engine.end()
        self._run.counts.verify_end()
        return FlowResult(self.rows, self.rejected, self.counts)

    def close(self) -> None:
        """End the flow and drop the rows that have not been written."""
        self._engine.close()
        self._folder.cleanup()

    def __enter__(self) -> FlowDriver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _captured_sink(self, sink: Any) -> Any:
        if not isinstance(sink, TablestoreSink):
            return sink
        shards = RowMapper(self._run.settings, RowEncoder()).shard_names
        return CapturingSink(self._run, shards, self._captured)

    def _placed(self, given: PlainMessage) -> PlainMessage:
        """The message with the topic, offset and time that it lacks."""
        topic = given.topic() or next(iter(self.settings.kafka.topics), "topic")
        place = topic, given.partition()
        offset = given.offset() if given.offset() >= 0 else self._offsets.get(place, 0)
        self._offsets[place] = offset + 1
        kind, at = given.timestamp()
        return PlainMessage(
            topic,
            given.partition(),
            offset,
            timestamp=at if kind else self.clock.milliseconds(),
            key=given.key(),
            value=given.value(),
            headers=given.headers() or (),
        )


def run_flow(
    get_flow: GetFlow,
    messages: Iterable[PlainMessage],
    config: Config,
    *,
    tablestore: LocalInstance | None = None,
    clock: Clock | None = None,
) -> FlowResult:
    """Run a flow's page on a list of messages to its end. Arguments and errors: `FlowDriver`."""
    with FlowDriver(get_flow, config, tablestore=tablestore, clock=clock) as flow:
        flow.send(*messages)
        return flow.end()


def settings_of(config: Config, tablestore: LocalInstance | None, folder: Path) -> Settings:
    """The settings of a configuration, with the address of a local Tablestore.

    Its access key goes into files in `folder`. Raises ConfigError.
    """
    if isinstance(config, Settings):
        settings = config
    else:
        settings = from_values(config) if isinstance(config, dict) else load(config)
    endpoint, key_id, secret, name = _NOWHERE if tablestore is None else tablestore.arguments
    update: dict[str, Any] = {"endpoint": endpoint, "instance": name, "region": ""}
    update |= {"credentials": "keys", "security_token_file": None}
    for option, text in (("access_key_id_file", key_id), ("access_key_secret_file", secret)):
        update[option] = folder / option
        update[option].write_text(text, "utf-8")
    values = settings.tablestore.model_copy(update=update)
    return settings.model_copy(update={"tablestore": values})


# Nothing connects to it.
_NOWHERE = "http://127.0.0.1:9", "id", "secret", "nowhere"
