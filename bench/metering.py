"""What the metrics cost, in CPU time: `python -m bench.metering`, half a minute.

Records become rows, batches and requests as in a flow, in one thread, against a service that
answers at once from memory. Kafka and the engine are left out, so the share is higher than that in
a flow. The answers of the endpoint are timed beside.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, cast

from tablestore.protobuf.table_store_pb2 import BatchWriteRowResponse

from bench.orders import order
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.http_api.provider import ProcessProvider
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Chunk, PlainMessage, Segment, count_of, size_of
from connectors.run.context import Run
from connectors.settings import Settings, WindowSettings
from connectors.tablestore.batch_write import TableWriter
from connectors.tablestore.client import Client
from connectors.tablestore.request_meter import RequestMeter
from connectors.tablestore.requests import TableRows
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.tables_api import TablesApi

_ROWS = 200  # of a request
_BATCHES, _CALLS = 50, 2000  # of a round


class _Service:
    """Every row is written."""

    def __init__(self) -> None:
        answer = BatchWriteRowResponse()
        table = answer.tables.add(table_name="orders")
        for _ in range(_ROWS):
            table.rows.add(is_ok=True)
        self._answer = answer.SerializeToString()

    async def post(self, _operation: str, _body: bytes) -> bytes:
        return cast(bytes, self._answer)

    def close(self) -> None:
        """Nothing is open."""


class _Counted:
    def __init__(self, run: Run) -> None:
        self._counts = run.counts

    def written(self, number: int) -> None:
        self._counts.add("written", number)


def _settings() -> Settings:
    return Settings.model_validate({"kafka": {"topics": ["orders"]}, "window": {"shards": 1}})


def _batch(rows: int = _ROWS) -> float:
    """Microseconds of CPU time that a batch takes as a whole."""
    run = Run("sync", _settings(), None)
    service: Any = _Service()
    writer = TableWriter(run, cast(Client, service), cast(TablesApi, service))
    writer.checks.checked.add("orders")
    decoder = ChunkDecoder(run.settings)
    mapper = RowMapper(run.settings, RowEncoder())
    outcomes: Any = _Counted(run)
    source = random.Random(1)
    values = [order(number, source) for number in range(rows)]

    async def write() -> None:
        for number in range(_BATCHES):
            start = number * rows
            messages = [
                PlainMessage("orders", 0, start + at, value=value)
                for at, value in enumerate(values)
            ]
            segments: list[Segment] = []
            for _, (some, _) in mapper.map_chunk(
                decoder.decode_chunk(Chunk("orders", 0, cast(Any, messages)))
            ):
                segments += some
            await writer.write(segments, outcomes)

    start = time.process_time()
    asyncio.run(write())
    return (time.process_time() - start) / _BATCHES * 1e6


class _Nothing:
    async def write(self, _tables: Sequence[TableRows]) -> None:
        """Every row is written."""


def _measuring() -> float:
    """Microseconds of CPU time that measuring a batch of one request takes."""
    run = Run("sync", _settings(), None)
    window = WindowSettings()
    # A batch of a fast topic is made of few segments.
    segments = [
        Segment("orders", "orders", 0, [], b"x" * 5000, range(50), [], [100] * 50, [])
        for _ in range(4)
    ]
    wires, sizes = [each.wire for each in segments], [each.sizes for each in segments]
    tables = [TableRows("orders", wires, sizes)]
    nothing: Any = _Nothing()

    async def measured() -> None:
        for _ in range(_CALLS):
            rows = sum(map(count_of, segments)) / window.rows
            run.meters.fills.observe(max(rows, sum(map(size_of, segments)) / window.bytes))
            await RequestMeter(nothing, run).write(tables)

    async def plain() -> None:
        for _ in range(_CALLS):
            await nothing.write(tables)

    return (_time_of(measured) - _time_of(plain)) / _CALLS * 1e6


def _time_of(work: Callable[[], Coroutine[Any, Any, None]]) -> float:
    start = time.process_time()
    asyncio.run(work())
    return time.process_time() - start


def _answers(partitions: int) -> tuple[float, float]:
    """Milliseconds of /status and /metrics."""
    run = Run("sync", _settings(), None)
    for number in range(partitions):
        run.meters.partition("orders", number, 0, True).set_end(5, 0.0)
    for number in range(5):
        run.meters.table(f"table{number}").request("OK", 0.1, 1)
    provider = ProcessProvider(run)
    times = []
    for ask in (provider.status, provider.metrics):
        asyncio.run(ask())
        start = time.process_time()
        for _ in range(20):
            asyncio.run(ask())
        times.append((time.process_time() - start) / 20 * 1000)
    return times[0], times[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="rounds (default 40)")
    rounds = parser.parse_args(arguments).rounds
    gc.disable()
    # The least of each: what other programs take from it only makes it more.
    batch = min(_batch() for _ in range(rounds))
    measuring = min(_measuring() for _ in range(rounds))
    print(f"a batch of {_ROWS} rows takes {batch:.0f} us, measuring it {measuring:.1f} us of them")
    print(f"measuring costs {measuring / batch * 100:.2f} %")
    for partitions in (8, 256):
        status, metrics = _answers(partitions)
        print(f"{partitions:3} partitions: /status {status:.1f} ms, /metrics {metrics:.1f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
