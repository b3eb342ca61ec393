"""Encoding points of time series, compared with the SDK: `python -m bench.timeseries`.

CPU time for each point, from values in Python to the body of a request of 200 points: 6 fields and
2 tags, in 200 series. All subjects run in turns in this process, and each body is read back and
compared first. The SDK's figures include its row objects, without which it cannot encode.
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
from typing import Any

from rich.console import Console
from rich.table import Table
from tablestore import encoder as sdk_encoder
from tablestore.metadata import TimeseriesKey, TimeseriesRow

from connectors.mapping.timeseries.points import PointBuilder
from connectors.records import PlainMessage, Record
from connectors.settings.timeseries import TimeseriesSettings
from connectors.tablestore.timeseries.flatbuffers import FlatBuffers
from connectors.tablestore.timeseries.protobuf import PointEncoder
from connectors.tablestore.timeseries.requests import points_body
from emulator.timeseries.points import Point, from_flatbuffer, from_message
from emulator.wire import flatbuffer, messages_pb2

ROWS = 200  # points of a request
DEVICES = 200
KINDS = {
    "alarm": "integer",
    "humidity": "double",
    "reading": "integer",
    "status": "string",
    "temperature": "double",
    "valid": "boolean",
}
GOALS = {"as protobuf": 10.0, "as FlatBuffers": 5.0}

Values = tuple[str, str, int, list[Any]]  # device, room, time in microseconds, fields
Subject = Callable[[Sequence[Values]], bytes]  # points -> body of a request


def ours(form: str) -> Subject:
    """Return the encoder of the flow, from values to the body."""
    encoder, flat = PointEncoder(), FlatBuffers()
    encode = encoder.compile(list(KINDS.items()))
    known: dict[tuple[str, str], bytes] = {}

    def body(points: Sequence[Values]) -> bytes:
        wires = []
        for device, room, at, values in points:
            series = known.get((device, room))
            if series is None:
                tags = [("device", device), ("room", room)]
                series = known[device, room] = encoder.series("climate", "plant", tags)
            wires.append(encode(series, at, values)[1])
        if form == "flatbuffers":
            return points_body("readings", 0, flat.encode(wires))
        return points_body("readings", 2, b"".join(wires))

    return body


def mapped(points: Sequence[Values]) -> bytes:
    """Encode as protobuf, with the mapping before it: from a decoded value, rules checked."""
    wires = []
    for device, room, at, values in points:
        fields = dict(zip(KINDS, values, strict=True))
        value = {"device": device, "room": room, "at": at, **fields}
        wires.append(_mapping.encode(Record(_MESSAGE, value))[1])
    return points_body("readings", 2, b"".join(wires))


_MESSAGE = PlainMessage("readings")
_mapping = PointBuilder(
    TimeseriesSettings(
        measurement="climate",
        data_source="plant",
        tags=("device", "room"),
        time_field="at",
        time_unit="us",
    ),
    "readings",
    PointEncoder(),
)


def sdk(points: Sequence[Values]) -> bytes:
    """Encode with the official SDK, whose Python version has only FlatBuffers."""
    rows = [
        TimeseriesRow(
            TimeseriesKey("climate", "plant", {"device": device, "room": room}),
            dict(zip(KINDS, values, strict=True)),
            at,
        )
        for device, room, at, values in points
    ]
    request = _SDK.encode_request("PutTimeseriesData", "readings", rows)
    return bytes(request.SerializeToString())


_SDK = sdk_encoder.OTSProtoBufferEncoder("utf-8", enable_native=True)
SUBJECTS: dict[str, tuple[Subject, int]] = {
    "as protobuf": (ours("protobuf"), 50),
    "as FlatBuffers": (ours("flatbuffers"), 25),
    "as protobuf, with the mapping": (mapped, 50),
    "SDK (FlatBuffers, Python)": (sdk, 3),
}


def requests(count: int) -> list[list[Values]]:
    """Return the points of `count` requests."""
    source = random.Random(11)
    points: list[Values] = [
        (
            f"device-{number % DEVICES}",
            f"room-{number % DEVICES // 10}",
            1_767_600_000_000_000 + number * 1_000_003,
            [
                source.randrange(100),
                source.random() * 100,
                source.randrange(10**6),
                source.choice(["ok", "warning", "failed"]),
                source.random() * 40 - 10,
                source.random() < 0.9,
            ],
        )
        for number in range(count * ROWS)
    ]
    return [points[start : start + ROWS] for start in range(0, len(points), ROWS)]


def read(body: bytes) -> list[Point]:
    """Return the points of a body, as the local Tablestore reads them."""
    rows = messages_pb2.PutTimeseriesDataRequest.FromString(body).rows_data
    if rows.type == 0:
        return [from_flatbuffer(raw, True) for raw in flatbuffer.decode_points(rows.rows_data)]
    listed = messages_pb2.TimeseriesRowList.FromString(rows.rows_data)
    return [from_message(row, True) for row in listed.rows]


def measure(turns: int) -> dict[str, list[float]]:
    """Return µs of CPU time per point for each subject, one figure per turn."""
    work = requests(50)
    expected = read(sdk(work[0]))
    for name, (encode, _) in SUBJECTS.items():
        if read(encode(work[0])) != expected:
            raise RuntimeError(f"{name} gives other points")
    found: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    gc.disable()
    for _ in range(turns):
        for name, (encode, count) in SUBJECTS.items():
            start = time.process_time()
            for points in work[:count]:
                encode(points)
            found[name].append((time.process_time() - start) / (count * ROWS) * 1e6)
    gc.enable()
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report; the exit code says whether the goals are reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.timeseries", description=__doc__)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    found = measure(options.turns)
    work = requests(1)[0]
    # A machine's speed drifts, so ratios are taken within a turn.
    rivals = found["SDK (FlatBuffers, Python)"]
    ratios = {
        name: median([rival / own for rival, own in zip(rivals, times, strict=True)])
        for name, times in found.items()
    }
    table = Table(
        title=f"{len(KINDS)} fields and 2 tags, requests of {ROWS} points;"
        f" CPython {platform.python_version()}"
    )
    for name in ("points", "µs a point", "best", "bytes a point", "SDK ÷ this"):
        table.add_column(name, justify="left" if name == "points" else "right", no_wrap=True)
    for name, times in found.items():
        size = len(SUBJECTS[name][0](work)) / ROWS
        table.add_row(
            name, f"{median(times):.2f}", f"{min(times):.2f}", f"{size:.0f}", f"{ratios[name]:.1f}"
        )
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table)
    reached = True
    for name, goal in GOALS.items():
        good = ratios[name] >= goal
        reached = reached and good
        console.print(f"{'reached' if good else 'MISSED'}: {name} {ratios[name]:.1f} >= {goal:.0f}")
    if options.json:
        content = {"python": platform.python_version(), "us_a_point": found, "ratios": ratios}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
