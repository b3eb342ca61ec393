"""One run of the flow, or of the bare loop, and its figures."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import constant_server as service
from bench.kafka import Topic
from bench.processes import (
    ConstantServer,
    MeasurementError,
    Watched,
    constant_server,
    watched,
)

# The steady part of a run, without start and drain.
STEADY_FROM, STEADY_TO = 0.2, 0.95
_LOOK = 0.05  # seconds between two looks at process and server
_STALLED = 120.0  # seconds without a row

_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics = ["{topic}"]
group = "bench-flow"

[tablestore]
endpoint = "{endpoint}"
instance = "bench"
"""


@dataclass(frozen=True)
class Figures:
    """What one run did. Rates are of its steady part."""

    subject: str  # flow or bare loop
    latency_ms: float
    rows_per_second: float
    rows_per_cpu_second: float  # user and system time of the process under test
    cores: float
    peak_mib: float
    rows: int
    duplicates: int
    rows_per_request: float


def run_flow(topic: Topic, latency_ms: float) -> Figures:
    """Run the flow as a user does, from a fresh recovery folder, until every row has arrived."""

    def start(endpoint: str, folder: Path) -> AbstractContextManager[Watched]:
        config = folder / "config.toml"
        config.write_text(
            _CONFIG.format(bootstrap=topic.bootstrap, topic=topic.name, endpoint=endpoint)
        )
        program = ["-m", "bytewax.run", "flows.sync", "-r", str(folder / "state"), "-s", "5"]
        environment = {
            "SYNC_CONFIG": str(config),
            "ALIBABA_CLOUD_ACCESS_KEY_ID": service.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service.ACCESS_KEY_SECRET,
        }
        return watched([*program, "-b", "0"], environment)

    return _run("flow", start, Watched.stop, topic, latency_ms)


def run_bare(topic: Topic, latency_ms: float) -> Figures:
    """Run the bare loop over the same topic."""

    def start(endpoint: str, _folder: Path) -> AbstractContextManager[Watched]:
        program = ["-m", "bench.bare_loop", "--bootstrap", topic.bootstrap, "--topic", topic.name]
        program += ["--partitions", str(topic.partitions), "--rows", str(topic.rows)]
        return watched([*program, "--endpoint", endpoint])

    return _run("bare loop", start, Watched.wait, topic, latency_ms)


def _run(
    subject: str,
    start: Callable[[str, Path], AbstractContextManager[Watched]],
    end: Callable[[Watched], int],
    topic: Topic,
    latency_ms: float,
) -> Figures:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        constant_server(latency_ms) as server,
        start(server.endpoint, Path(folder)) as process,
    ):
        try:
            first, last, peak = watch(process, server, topic.rows)
            code = end(process)
            if code != 0:
                raise MeasurementError(f"exit code {code}")
        except MeasurementError as error:
            raise MeasurementError(f"{subject}: {error}\n{process.log()[-4000:]}") from None
        counts = server.counts(distinct=True)
    if counts["distinct"] != topic.rows:
        raise MeasurementError(f"{subject}: {counts['distinct']} of {topic.rows} rows arrived")
    seconds, cpu, rows = (b - a for a, b in zip(first, last, strict=True))
    return Figures(
        subject,
        latency_ms,
        rows / seconds,
        rows / cpu,
        cpu / seconds,
        peak,
        counts["rows"],
        counts["rows"] - counts["distinct"],
        counts["rows"] / counts["requests"],
    )


Sample = tuple[float, float, int]  # time, CPU seconds, rows


def watch(
    process: Watched, server: ConstantServer, rows: int, *, distinct: bool = True
) -> tuple[Sample, Sample, float]:
    """Return the samples at both ends of the steady part, and the most memory until the last row.

    `distinct`: rows are distinguished by their offsets, and each must arrive. Raises
    MeasurementError when the process ends or stalls before.
    """
    first: Sample | None = None
    last: Sample | None = None
    peak = 0.0
    seen, moved = 0, time.monotonic()
    while True:
        now = time.monotonic()
        try:
            cpu, peak = process.cpu_seconds(), max(peak, process.peak_mib())
        except (OSError, ValueError):  # the process has just ended
            cpu = 0.0
        arrived = server.counts()["rows"]
        if cpu and first is None and arrived >= STEADY_FROM * rows:
            first = now, cpu, arrived
        if cpu and first is not None and (last is None or arrived <= STEADY_TO * rows):
            last = now, cpu, arrived
        if arrived >= rows and (not distinct or server.counts(distinct=True)["distinct"] >= rows):
            break
        if arrived > seen:
            seen, moved = arrived, now
        elif not process.running:
            raise MeasurementError(f"ended when {arrived} of {rows} rows had arrived")
        elif now - moved > _STALLED:
            raise MeasurementError(f"no row for {_STALLED:g} s, at {arrived} of {rows}")
        time.sleep(_LOOK)
    if first is None or last is None or last[2] <= first[2] or last[1] <= first[1]:
        raise MeasurementError("too short to measure: use more --rows")
    return first, last, peak
