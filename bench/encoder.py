"""The encoder compared with the SDK's: `python -m bench.encoder`.

CPU time for each row, from values in Python to the row's part of a request. All subjects run in
turns in this process, and their bytes are compared first. The SDK's figures include its row
objects, without which it cannot encode.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast

import msgspec
from rich.console import Console
from rich.table import Table
from tablestore import encoder as sdk_encoder
from tablestore import metadata as sdk

from bench.orders import FIELDS, order
from connectors.tablestore.plainbuffer import accelerated, codegen
from connectors.tablestore.plainbuffer.encode import (
    Cell,
    PutEncoder,
    WireType,
    check_row,
    encode_row,
    wire_row,
)
from connectors.tablestore.requests import batch_body

ROWS = 200  # rows of a request
KEY = ("topic_partition", "offset")
COLUMNS = list(FIELDS)

Values = Sequence[Any]
Subject = Callable[[Sequence[Values]], bytes]  # rows -> body of a request


def accelerated_rows() -> Subject:
    """Return the compiled encoder."""
    return _rows_of(accelerated.compile_put)


def generated() -> Subject:
    """Return the encoder of the flow's hot path where nothing is compiled."""
    return _rows_of(codegen.compile_put)


def _rows_of(compile_put: Callable[..., PutEncoder]) -> Subject:
    key: list[tuple[str, WireType]] = [(KEY[0], "string"), (KEY[1], "integer")]
    encode = compile_put(key, cast("list[tuple[str, WireType]]", list(FIELDS.items())))
    return lambda rows: batch_body([("orders", [encode(*row)[1] for row in rows])])


def generated_without_memory() -> Subject:
    """Return the same without remembering values of string columns."""
    kept = codegen.TRIAL_ROWS
    codegen.TRIAL_ROWS = 0
    try:
        return generated()
    finally:
        codegen.TRIAL_ROWS = kept


def generic(rows: Sequence[Values]) -> bytes:
    """Encode rows one by one, as operations other than plain puts are, with the check of limits."""
    wires = []
    for row in rows:
        key = list(zip(KEY, row, strict=False))
        cells = [Cell(name, value) for name, value in zip(COLUMNS, row[2:], strict=True)]
        check_row("put", key, cells)
        wires.append(wire_row("put", encode_row("put", key, cells)))
    return batch_body([("orders", wires)])


def of_sdk(native: bool) -> Subject:
    """Return the SDK's encoder, in C++ or in Python."""
    encoder = sdk_encoder.OTSProtoBufferEncoder("utf-8", enable_native=native)

    def encode(rows: Sequence[Values]) -> bytes:
        items = []
        for row in rows:
            key = list(zip(KEY, row, strict=False))
            columns = list(zip(COLUMNS, row[2:], strict=True))
            items.append(sdk.PutRowItem(sdk.Row(key, columns), None))
        request = sdk.BatchWriteRowRequest()
        request.add(sdk.TableInBatchWriteRowItem("orders", items))
        return bytes(encoder.encode_request("BatchWriteRow", request).SerializeToString())

    return encode


def subjects() -> dict[str, tuple[Subject, int]]:
    """Return the encoders to measure, each with the number of requests that it encodes per turn."""
    found: dict[str, tuple[Subject, int]] = {
        "generated": (generated(), 100),
        "generated, nothing remembered": (generated_without_memory(), 100),
        "generic, with its check": (generic, 25),
        "SDK, Python": (of_sdk(native=False), 3),
    }
    if accelerated.in_use():
        found["compiled"] = accelerated_rows(), 100
    if sdk_encoder.NATIVE_ENCODER_AVAILABLE:
        found["SDK, C++"] = (of_sdk(native=True), 25)
    return found


def requests(count: int) -> list[list[Values]]:
    """Return the rows of `count` requests: orders as the flow's topic has them."""
    source = random.Random(11)
    rows: list[Values] = []
    for number in range(count * ROWS):
        values = msgspec.json.decode(order(number, source)).values()
        rows.append((f"orders_{number % 4}", number // 4, *values))
    return [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]


def measure(turns: int) -> dict[str, list[float]]:
    """Return µs of CPU time per row for each subject, one figure per turn."""
    work = requests(100)
    tried = subjects()
    expected = generic(work[0])
    for name, (encode, _) in tried.items():
        if encode(work[0]) != expected:
            raise RuntimeError(f"{name} gives other bytes")
    for body in work:  # past the trial of the generated encoder
        tried["generated"][0](body)
    found: dict[str, list[float]] = {name: [] for name in tried}
    gc.disable()
    for _ in range(turns):
        for name, (encode, count) in tried.items():
            start = time.process_time()
            for rows in work[:count]:
                encode(rows)
            found[name].append((time.process_time() - start) / (count * ROWS) * 1e6)
    gc.enable()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m bench.encoder", description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    found = measure(options.turns)
    first = median(next(iter(found.values())))
    table = Table(
        title=f"2 key and {len(COLUMNS)} attribute columns, requests of {ROWS} rows;"
        f" CPython {platform.python_version()}"
    )
    for name in ("encoder", "µs a row", "best", "times"):
        table.add_column(name, justify="left" if name == "encoder" else "right", no_wrap=True)
    for name, times in found.items():
        mid = median(times)
        table.add_row(name, f"{mid:.2f}", f"{min(times):.2f}", f"{mid / first:.1f}")
    Console(width=None if sys.stdout.isatty() else 110).print(table)
    if options.json:
        content = {"python": platform.python_version(), "us_a_row": found}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
