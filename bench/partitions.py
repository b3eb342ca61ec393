"""Many partitions compared with four: `python -m bench.partitions`.

For each number of partitions: seconds from the start to the first row, threads and open files, peak
memory, the rate of the steady part, and the share of a core that the idle flow takes. Needs a real
Apache Kafka (see localkafka), and Linux for /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import localkafka
from bench import constant_server as service
from bench.orders import fill
from bench.processes import ConstantServer, MeasurementError, Watched, constant_server, watched

_LOOK = 0.05  # seconds between two samples
_STALLED = 60.0  # seconds without a row
_SETTLE, _IDLE = 8.0, 20.0  # seconds: after the last row, and of the idle flow
_FEW = 4
_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics_pattern = "{pattern}"
group = "bench-{pattern}"

[tablestore]
endpoint = "{endpoint}"
instance = "bench"
"""


def measure(bootstrap: str, name: str, partitions: int, rows: int, workers: int) -> dict[str, Any]:
    """Run the flow over the topics of a name until every row has arrived, then leave it idle."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        constant_server(0) as server,
    ):
        config = Path(folder) / "config.toml"
        config.write_text(
            _CONFIG.format(bootstrap=bootstrap, pattern=f"{name}.*", endpoint=server.endpoint)
        )
        program = ["-m", "bytewax.run", "flows.sync", "-r", f"{folder}/state", "-s", "5", "-b", "0"]
        program += ["-w", str(workers)] if workers > 1 else []
        environment = {
            "SYNC_CONFIG": str(config),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": service.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service.ACCESS_KEY_SECRET,
        }
        began = time.monotonic()
        with watched(program, environment) as process:
            try:
                found = _watch(process, server, rows, began)
                found |= _idle(process)
                if process.stop() != 0:
                    raise MeasurementError("it did not end cleanly")
            except MeasurementError as error:
                raise MeasurementError(f"{error}\n{process.log()[-4000:]}") from None
    return {"partitions": partitions, "rows": rows, "workers": workers, **found}


def _watch(
    process: Watched, server: ConstantServer, rows: int, began: float
) -> dict[str, float | int]:
    first_row = 0.0
    threads = files = 0
    samples: list[tuple[float, float, int]] = []
    moved = began
    while True:
        now = time.monotonic()
        if not process.running:
            raise MeasurementError("it has ended")
        arrived = server.counts()["rows"]
        if arrived and not first_row:
            first_row = now - began
        if not samples or arrived > samples[-1][2]:
            samples.append((now, process.cpu_seconds(), arrived))
            moved = now
        elif now - moved > _STALLED:
            raise MeasurementError(f"no row for {_STALLED:g} s, at {arrived} of {rows}")
        threads, files = max(threads, process.threads()), max(files, process.open_files())
        if arrived >= rows:
            break
        time.sleep(_LOOK)
    steady = [each for each in samples if 0.2 * rows <= each[2] <= 0.95 * rows]
    if len(steady) < 2:
        raise MeasurementError("too short to measure: use more --rows")
    seconds, cpu, done = (b - a for a, b in zip(steady[0], steady[-1], strict=True))
    return {
        "first_row_seconds": round(first_row, 2),
        "threads": threads,
        "open_files": files,
        "peak_mib": round(process.peak_mib()),
        "rows_per_second": round(done / seconds),
        "rows_per_cpu_second": round(done / cpu),
    }


def _idle(process: Watched) -> dict[str, float]:
    time.sleep(_SETTLE)
    before = process.cpu_seconds()
    time.sleep(_IDLE)
    return {"idle_percent_of_a_core": round((process.cpu_seconds() - before) / _IDLE * 100, 1)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a line of JSON for each run."""
    parser = argparse.ArgumentParser(prog="python -m bench.partitions", description=__doc__)
    parser.add_argument("--partitions", type=int, default=1000)
    parser.add_argument("--topics", type=int, default=1, help="that share the partitions")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args(arguments)
    each = options.partitions // options.topics
    topics = {f"many{number}": each for number in range(options.topics)}
    with localkafka.ApacheKafka({"few": _FEW, **topics}) as broker:
        fill(broker.bootstrap, "few", _FEW, options.rows, "none")
        rows = options.rows // options.topics
        for topic in topics:
            fill(broker.bootstrap, topic, each, rows, "none")
        for _ in range(options.rounds):
            for name, partitions in (("few", _FEW), ("many", each * options.topics)):
                found = measure(
                    broker.bootstrap,
                    name,
                    partitions,
                    options.rows if name == "few" else rows * options.topics,
                    options.workers,
                )
                sys.stdout.write(f"{json.dumps(found)}\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    if not Path("/proc/self/stat").exists() or os.name != "posix":
        sys.exit("bench.partitions: reads /proc, which only Linux has")
    sys.exit(main())
