"""One run with so many processes and workers, and its figures."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from bench import constant_server as service
from bench.kafka import Topic
from bench.processes import ConstantServer, MeasurementError, Watched, constant_server, watched
from bench.runs import STEADY_FROM, STEADY_TO

_LOOK = 0.05  # seconds between two looks
_STALLED = 60.0  # seconds without a row
_TICK = os.sysconf("SC_CLK_TCK")
_CONFIG = """\
[kafka]
bootstrap_servers = "{bootstrap}"
topics = ["{topic}"]
group = "bench-scale"

[tablestore]
endpoint = "{endpoint}"
instance = "bench"
"""


class Layout(NamedTuple):
    """How a run is divided."""

    processes: int
    workers: int
    """Of each process."""

    def __str__(self) -> str:
        processes = f"{self.processes} process{'es' if self.processes > 1 else ''}"
        return processes if self.workers == 1 else f"{processes}, {self.workers} workers each"


class Figures(NamedTuple):
    """What one run did in its steady part."""

    processes: int
    workers: int
    latency_ms: float
    rows_per_second: float
    rows_per_cpu_second: float
    """User and system time of all processes of the run, the supervisor's too."""
    cores: float
    """CPU seconds of the run a second."""
    other_cores: float
    """CPU seconds a second of the rest of the machine: broker, service, and other programs."""
    peak_mib: float
    """Resident memory of all processes of the run together, at most."""
    first_row_seconds: float
    """From the start of the supervisor."""


class _Sample(NamedTuple):
    at: float
    cpu: float
    machine: float
    rows: int


def run(topic: Topic, latency_ms: float, layout: Layout) -> Figures:
    """Run `tablestore-sync run` from a fresh recovery folder until every row has arrived.

    Raises MeasurementError.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, constant_server(latency_ms) as to:
        config = Path(folder) / "config.toml"
        config.write_text(
            _CONFIG.format(bootstrap=topic.bootstrap, topic=topic.name, endpoint=to.endpoint)
        )
        program = ["-m", "connectors.cli", "run", "--config", str(config), "-r", f"{folder}/state"]
        program += ["--processes", str(layout.processes), "--workers", str(layout.workers)]
        environment = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": service.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": service.ACCESS_KEY_SECRET,
        }
        began = time.monotonic()
        with watched(program, environment) as process:
            try:
                samples, peak = _watch(process, to, topic.rows)
                if process.stop():
                    raise MeasurementError("it did not end cleanly")
            except MeasurementError as error:
                raise MeasurementError(f"{layout}: {error}\n{process.log()[-4000:]}") from None
    return _figures(layout, latency_ms, topic.rows, samples, peak, began)


def _watch(process: Watched, server: ConstantServer, rows: int) -> tuple[list[_Sample], float]:
    samples: list[_Sample] = []
    peaks: dict[int, float] = {}
    moved = time.monotonic()
    while not samples or samples[-1].rows < rows:
        now = time.monotonic()
        family = process.family()
        for each in family:
            peaks[each] = max(peaks.get(each, 0.0), _peak_mib(each))
        arrived = server.counts()["rows"]
        if arrived and (not samples or arrived > samples[-1].rows):
            samples.append(_Sample(now, _cpu_seconds(family), _machine_seconds(), arrived))
            moved = now
        elif not process.running:
            raise MeasurementError("it has ended")
        elif now - moved > _STALLED:
            raise MeasurementError(f"no row for {_STALLED:g} s")
        time.sleep(_LOOK)
    if server.counts(distinct=True)["distinct"] != rows:
        raise MeasurementError("rows came twice, and others are missing")
    return samples, sum(peaks.values())


def _figures(
    layout: Layout,
    latency_ms: float,
    rows: int,
    samples: list[_Sample],
    peak: float,
    began: float,
) -> Figures:
    steady = [each for each in samples if STEADY_FROM * rows <= each.rows <= STEADY_TO * rows]
    if len(steady) < 2 or steady[-1].cpu <= steady[0].cpu:
        raise MeasurementError(f"{layout}: too short to measure: use more --rows")
    first, last = steady[0], steady[-1]
    seconds, cpu = last.at - first.at, last.cpu - first.cpu
    return Figures(
        *layout,
        latency_ms,
        (last.rows - first.rows) / seconds,
        (last.rows - first.rows) / cpu,
        cpu / seconds,
        (last.machine - first.machine - cpu) / seconds,
        peak,
        samples[0].at - began,
    )


def _cpu_seconds(processes: Iterable[int]) -> float:
    total = 0
    for each in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICK


def _peak_mib(process: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _machine_seconds() -> float:
    """CPU seconds of all processes of the machine, without idle and waiting time."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    values = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
    spent: Mapping[str, int] = dict(zip(names, map(int, values), strict=False))
    return sum(spent[name] for name in ("user", "nice", "system", "irq", "softirq")) / _TICK
