"""Decoding and mapping, by the fast and by the general path: `python -m bench.mapping`.

CPU time for each row, decoding and encoding together, of orders as the flow's topic has them. The
general path is for records that have passed a step, or that the fast path does not accept. All
subjects run in turns in this process, and the rows of both paths are compared first.
"""

from __future__ import annotations

import argparse
import gc
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.orders import FIELDS, order
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk, PlainMessage, RecordChunk
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder

MESSAGES = 2_000  # messages of a chunk
FEW = ("order_id", "city", "amount", "items")

Rows = list[tuple[str, Batch]]
Way = Callable[[Chunk], Rows]


def columns(names: Sequence[str]) -> list[dict[str, str]]:
    """Return the setting that lists these columns."""
    return [{"name": name, "type": FIELDS[name]} for name in names]


def configurations() -> dict[str, dict[str, Any]]:
    """Return the table rules to measure, by their names in the report."""
    by_value = {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "order_id", "type": FIELDS["order_id"]}],
    }
    rest = [name for name in FIELDS if name != "order_id"]
    return {
        "all columns": {},
        f"{len(FIELDS)} columns listed": {"columns": columns([*FIELDS])},
        f"{len(FEW)} columns listed": {"columns": columns(FEW)},
        "key in the value, all columns": by_value,
        f"key in the value, {len(rest)} listed": {**by_value, "columns": columns(rest)},
    }


def ways(table: dict[str, Any]) -> tuple[Way, Way]:
    """Return the fast path and the general path with these rules."""
    settings = Settings.model_validate(
        {"kafka": {"bootstrap_servers": "127.0.0.1:1", "topics": ["orders"]}, "table": table}
    )

    def fast() -> Way:
        decoder, mapper = ChunkDecoder(settings), RowMapper(settings, RowEncoder())
        return lambda chunk: mapper.map_chunk(decoder.decode_chunk(chunk))

    def general() -> Way:
        decoder, mapper = ChunkDecoder(settings), RowMapper(settings, RowEncoder())

        def way(chunk: Chunk) -> Rows:
            decoded = decoder.decode_chunk(chunk)
            return mapper.map_chunk(
                RecordChunk(decoded.topic, decoded.partition, decoded.records, decoded.dead_letters)
            )

        return way

    return fast(), general()


def chunks(count: int) -> list[Chunk]:
    """Return chunks of orders in one partition."""
    source = random.Random(11)
    return [
        Chunk(
            "orders",
            0,
            [
                PlainMessage("orders", 0, offset, timestamp=0, value=order(offset, source))
                for offset in range(number * MESSAGES, (number + 1) * MESSAGES)
            ],
        )
        for number in range(count)
    ]


def wires(rows: Rows) -> list[tuple[int, bytes]]:
    """Return (offset, wire bytes) of all rows, sorted."""
    return sorted(
        (row.offset, row.wire)
        for _, (segments, _) in rows
        for segment in segments
        for row in segment.rows()
    )


def measure(turns: int) -> dict[str, tuple[list[float], list[float]]]:
    """Return µs of CPU time per row, for the fast and the general path, one figure per turn."""
    work = chunks(6)
    tried = {name: ways(table) for name, table in configurations().items()}
    for name, (fast, general) in tried.items():
        for chunk in work:  # until the trials of both are over
            if wires(fast(chunk)) != wires(general(chunk)):
                raise RuntimeError(f"{name}: the two paths make different rows")
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in tried}
    gc.disable()
    for _ in range(turns):
        for name, both in tried.items():
            for way, times in zip(both, found[name], strict=True):
                start = time.process_time()
                for chunk in work:
                    way(chunk)
                times.append((time.process_time() - start) / (len(work) * MESSAGES) * 1e6)
        gc.collect()
    gc.enable()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.mapping", description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    options = parser.parse_args(arguments)
    table = Table(
        title=f"orders of {len(FIELDS)} fields, bytes to rows; CPython {platform.python_version()}"
    )
    for name in ("table", "fast path, µs per row", "general, µs per row", "general ÷ fast"):
        table.add_column(name, justify="left" if name == "table" else "right", no_wrap=True)
    for name, (fast, general) in measure(options.turns).items():
        ratio = median(slow / each for each, slow in zip(fast, general, strict=True))
        table.add_row(name, f"{median(fast):.2f}", f"{median(general):.2f}", f"{ratio:.2f}")
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
