"""What the local Tablestore counts while a flow runs, and rates from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.processes import MeasurementError, Watched
from bench.throttling.cases import LIMITED
from emulator.local_server import Instance

LOOK = 0.25  # seconds between two looks


class Sample(NamedTuple):
    """The counts of the service at one time."""

    at: float
    written: int
    free: int
    """Rows written to the table without a limit."""
    refused: int


class Watch:
    """What the local Tablestore counts while a flow runs."""

    def __init__(self, instance: Instance, process: Watched, free_topic: bool) -> None:
        self._instance = instance
        self._process = process
        self._free_topic = free_topic

    def look(self) -> Sample:
        """The counts now. Raises MeasurementError when the flow has ended."""
        if not self._process.running:
            raise MeasurementError("the flow has ended")
        stats = self._instance.server.control("/-/stats")
        written, free = stats["rows_written"], 0
        if self._free_topic:
            limited = stats["tables"].get(self._instance.name, {}).get(LIMITED, 0)
            written, free = limited, written - limited
        return Sample(time.monotonic(), written, free, sum(stats["throttled"].values()))

    def watch(self, seconds: float) -> list[Sample]:
        """The samples of so long."""
        samples = [self.look()]
        while samples[-1].at - samples[0].at < seconds:
            time.sleep(LOOK)
            samples.append(self.look())
        return samples

    def wait(self, done: Callable[[Sample, Sample], bool], seconds: float) -> None:
        """Wait until `done` is true of two samples that are a second apart."""
        until = time.monotonic() + seconds
        before = self.look()
        while time.monotonic() < until:
            time.sleep(1)
            now = self.look()
            if done(before, now):
                return
            before = now
        raise MeasurementError(f"not done within {seconds:g} s")


def difference(first: Sample, last: Sample) -> tuple[float, int, int, int]:
    """Seconds, and what was written and refused in them."""
    return (
        last.at - first.at,
        last.written - first.written,
        last.free - first.free,
        last.refused - first.refused,
    )


def back_after(samples: Sequence[Sample], rate: float) -> float:
    """Seconds until a second with so many rows had begun; infinite when none had."""
    for number, first in enumerate(samples):
        for last in samples[number + 1 :]:
            if last.at - first.at >= 1:
                if (last.written - first.written) / (last.at - first.at) >= rate:
                    return first.at - samples[0].at
                break
    return math.inf
