"""One simulated process: the steps of flows/sync.py on simulated clients, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from connectors.batching import builder
from connectors.dead_letters.policy import ErrorPolicy
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.kafka.dead_letter_sink import KafkaDeadLetterSink
from connectors.kafka.discovery import TopicWatcher
from connectors.kafka.source import KafkaSource
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk, count_of
from connectors.run.context import Run
from connectors.settings import Settings
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.client import Client
from connectors.tablestore.dead_letter_sink import TableDeadLetterSink
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.sink import TablestoreSink, WriterLoop
from simulation.engine import Flow
from simulation.plan import TIMEOUT, TOPIC
from simulation.recovery import MemoryFolder
from simulation.service import (
    INSTANCE,
    SimulatedPool,
    SimulatedTables,
)
from simulation.timeline import Crash, VirtualLoop

if TYPE_CHECKING:
    from simulation.world import World


@lru_cache(maxsize=16)
def settings_of(configuration: int, lost_offset: str) -> Settings:
    """The settings of a configuration."""
    return Settings.model_validate(
        {
            "kafka": {
                "topics": [TOPIC],
                "lost_offset": lost_offset,
                "chunk_messages": 40,
                "metadata_timeout": 1.0,
                "discovery_interval": 1.0,
                "stalled_after": 3600.0,
            },
            "format": {"key": "string"},
            "tablestore": {
                "instance": INSTANCE,
                "timeout": TIMEOUT,
                "retry_initial": 0.01,
                "retry_max": 0.1,
                "queue": 1 + configuration % 2,
            },
            "table": {
                "primary_key_mode": "record_key",
                "primary_key": [{"name": "id", "type": "string"}],
                "insert_mode": "update" if configuration == 2 else "put",
                "delete_mode": "row",
            },
            "window": {
                "rows": 50 if configuration == 3 else 8,
                "age": 2.0 if configuration == 3 else 0.05,
                "shards": 4,
            },
            "errors": {
                "tolerance": "all",
                "dead_letters": "tablestore" if configuration == 0 else "kafka",
            },
            "shutdown": {"deadline": 60.0},
        }
    )


@lru_cache(maxsize=16)
def _decoding(settings: int, lost_offset: str) -> tuple[ChunkDecoder, RowMapper]:
    """Decoder and mapper depend on the settings only, and are costly to make."""
    found = settings_of(settings, lost_offset)
    return ChunkDecoder(found, True), RowMapper(found, RowEncoder(), True)


class Condition:
    """In place of threading.Condition: who waits lets the world go on."""

    def __init__(self, process: SimulatedProcess) -> None:
        self._process = process
        self._notified = 0

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        """Nothing is locked: there is one thread."""

    def notify_all(self) -> None:
        """As threading's."""
        self._notified += 1

    def wait(self, timeout: float | None = None) -> bool:
        """As threading's."""
        before = self._notified
        self._process.sleep(
            float("inf") if timeout is None else timeout, lambda: self._notified != before
        )
        return self._notified != before


class _Loop(WriterLoop):
    """The loop of a simulated process, in no thread."""

    def __init__(self, process: SimulatedProcess, on_stop: Callable[[], None]) -> None:
        super().__init__(on_stop)
        self._process = process

    def new_condition(self) -> Any:
        return Condition(self._process)

    def join(self) -> Any:
        return self._process.loop

    def leave(self) -> None:
        pass


class _Watcher(TopicWatcher):
    """Looks at the topics now and then, in no thread."""

    def __init__(self, process: SimulatedProcess, run: Run, seen: dict[str, int], clients: Any):
        self._run = run
        self._seen = seen
        self._clients = clients
        self._process = process
        self._again()

    def _again(self) -> None:
        interval = self._run.settings.kafka.discovery_interval
        self._process.loop.call_later(interval, self._look)

    def _look(self) -> None:
        if self._run.drain_reason is None:
            if not self._process.world.brokers.are_away:
                self._look_for_new()
            self._again()


class _WorkerSource:
    """The source of a process as one of its workers calls it."""

    def __init__(self, source: KafkaSource, process: SimulatedProcess, worker: int) -> None:
        self._source = source
        self._process = process
        self._worker = worker
        self.list_parts = source.list_parts

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        """As `KafkaSource.build_part`."""
        self._process.building = self._worker
        return self._source.build_part(step_id, for_part, resume_state)


class SimulatedProcess:
    """One process of a run, with one or more workers that share what a process has once."""

    def __init__(self, world: World, index: int, count: int, workers: int) -> None:
        self.world = world
        self.index = index
        self.run_number = world.runs
        self.alive = True
        self.loop = VirtualLoop(world.timeline)
        settings = settings_of(world.plan.configuration, world.lost_offset)
        self.run = Run(
            "sync",
            settings,
            MemoryFolder(world.folder, self.call),
            single_process=count == 1,
            clock=lambda: world.timeline.now,
            now=world.timeline.wall_clock,
            sleep=self.sleep,
        )
        self.building = 0  # the worker that builds its partitions
        flow = self._flow(settings)
        self.flows = [
            flow._replace(source=_WorkerSource(flow.source, self, worker))
            for worker in range(workers)
        ]

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return self.world.timeline.now

    def call(self, label: str, *details: object) -> None:
        """Note a call, at which the plan may end the process. Raises Crash."""
        self.world.called(self, label, details)

    def sleep(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Block: everything else goes on meanwhile. Raises Crash."""
        world = self.world
        deadline = world.timeline.now + seconds
        while not until() and world.timeline.now < deadline:
            if not self.alive:
                raise Crash
            if not world.turn(deadline):
                break
        if not self.alive:
            raise Crash

    def _flow(self, settings: Settings) -> Flow:
        """The steps of flows/sync.py."""
        world, run = self.world, self.run
        decoder, mapper = _decoding(world.plan.configuration, world.lost_offset)
        clients = world.brokers.clients(self)
        source = KafkaSource(
            run,
            clients,
            watch=lambda *seen: _Watcher(self, *seen),
            worker=lambda: self.building,
        )
        pool: Any = SimulatedPool(world.service, self)
        tables: Any = SimulatedTables(world.service, self)
        client = Client(settings.tablestore, pool)
        writer = TableWriter(run, client, tables)
        destination: Any = (
            TableDeadLetterSink(run, writer)
            if settings.errors.dead_letters == "tablestore"
            else KafkaDeadLetterSink(run, clients=clients, serve=lambda _: None)
        )
        policy = ErrorPolicy(run, destination)
        sink = TablestoreSink(
            run,
            mapper.shard_names,
            settings.known_tables(),
            writer,
            policy,
            lambda on_stop: _Loop(self, on_stop),
        )

        def rows_of(chunk: Chunk) -> list[tuple[str, Batch]]:
            rows = mapper.map_chunk(decoder.decode_chunk(chunk))
            mapped = [sum(map(count_of, rows)) + len(dead) for _, (rows, dead) in rows]
            run.counts.mapped(sum(mapped))
            return rows

        build = builder(
            settings.window, run.counts.new_batcher, run.read_limits.watch, clock=run.now
        )
        return Flow(source, rows_of, build, sink)

    def kill(self) -> None:
        """SIGKILL."""
        self.alive = False
        self.loop.kill()
