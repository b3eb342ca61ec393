"""Services that throttle, and shards that write to them, in a time of their own."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.run.accounting import Counts
from connectors.run.read_limits import ReadLimits
from connectors.run.retry import Backoff
from connectors.tablestore.throttle.governor import Governor, Limits
from tests.unit.fake_clock import FakeClock

BATCH = 200
NO_LIMITS = Limits()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on by itself when all its tasks wait; a deadlock fails."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        super().__init__(_Selector(clock))

    def time(self) -> float:
        """As of the clock."""
        return self._clock()


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "a deadlock: nothing is left that could go on"
        self._clock.now += max(0.0, timeout)
        return super().select(0)


def run_virtual(clock: FakeClock, main: Coroutine[Any, Any, None]) -> None:
    """Run to the end, in the clock's time."""
    loop = VirtualLoop(clock)
    try:
        loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class Service(Protocol):
    """Takes some rows of a request, and refuses the others."""

    def take(self, rows: int, now: float) -> int:
        """How many it takes."""
        ...


class TokenBucket:
    """So many rows a second, and those of `burst` seconds at once; whole requests or none."""

    def __init__(self, rate: float, burst: float = 1.0, whole: bool = False) -> None:
        self.rate = rate
        self._burst = burst
        self._whole = whole
        self._level = max(1.0, rate * burst)
        self._at = 0.0

    def take(self, rows: int, now: float) -> int:
        """As `Service`."""
        size = max(1.0, self.rate * self._burst)
        self._level = min(size, self._level + (now - self._at) * self.rate)
        self._at = now
        taken = min(rows, int(self._level + 1e-9))
        if self._whole and taken < rows:
            taken = 0
        self._level -= taken
        return taken


class Windows:
    """So many rows in each second of the clock."""

    def __init__(self, rate: float, whole: bool = False) -> None:
        self.rate = rate
        self._whole = whole
        self._second = -1
        self._left = 0.0

    def take(self, rows: int, now: float) -> int:
        """As `Service`."""
        if int(now) != self._second:
            self._second, self._left = int(now), self.rate
        taken = min(rows, int(self._left))
        if self._whole and taken < rows:
            taken = 0
        self._left -= taken
        return taken


class Unreliable:
    """Refuses a share of the requests, however few there are."""

    def __init__(self, share: float, seed: int = 1) -> None:
        self._share = share
        self._chance = random.Random(seed)

    def take(self, rows: int, now: float) -> int:
        """As `Service`."""
        return 0 if self._chance.random() < self._share else rows


@dataclass
class Figures:
    """What happened, by the second."""

    accepted: list[int]
    refused: list[int]
    by_shard: list[int]

    def goodput(self, rate: float, first: int, last: int) -> float:
        """Rows accepted in these seconds, of those that the service takes."""
        return sum(self.accepted[first:last]) / (last - first) / rate

    def refusals(self, first: int, last: int) -> float:
        """Rows refused in these seconds, of all that were sent."""
        refused = sum(self.refused[first:last])
        return refused / max(1, refused + sum(self.accepted[first:last]))


@dataclass
class Simulation:
    """Shards with always a batch to write, to a service, through one governor."""

    service: Service
    latency: float = 0.005
    shards: int = 16
    seconds: int = 30
    seed: int = 1
    limits: Limits = NO_LIMITS
    changes: dict[int, Callable[[], None]] = field(default_factory=dict)
    """What happens at the begin of a second."""
    fails: float = 0.0
    """The share of requests that have no answer."""

    def run(self) -> Figures:
        """Let it go on for its seconds."""
        clock = FakeClock(0.0)
        chance = random.Random(self.seed)
        seconds = range(self.seconds + 1)
        found = Figures([0 for _ in seconds], [0 for _ in seconds], [0] * self.shards)
        self.counts = Counts()

        def pauses() -> Backoff:
            return Backoff(0.05, 5.0, clock=clock, uniform=chance.uniform)

        limits = ReadLimits(0.5, clock)
        self.governor = governor = Governor(
            "orders", self.limits, self.counts, limits, pauses, clock
        )

        async def shard(number: int) -> None:
            await asyncio.sleep(chance.random() * 0.1)
            left = BATCH
            while clock() < self.seconds:
                rows, units = left, 0.0
                await governor.start()
                if governor.is_on:
                    rows, units = await governor.turn(left, lambda: None)
                sent_at = governor.sent()
                await asyncio.sleep(self.latency / 2)
                taken = self.service.take(rows, clock())
                # A service takes no more than the machine can make.
                await asyncio.sleep(self.latency / 2 + rows * self.shards / 100_000)
                if chance.random() < self.fails:
                    governor.failed(sent_at, is_slow=False)
                    continue
                second = int(min(clock(), self.seconds))
                found.accepted[second] += taken
                found.refused[second] += rows - taken
                found.by_shard[number] += taken
                if taken == rows:
                    governor.written(sent_at, rows, units)
                else:
                    governor.answered(sent_at, taken, rows - taken, "busy", units)
                left = left - taken or BATCH

        async def main() -> None:
            tasks = [asyncio.create_task(shard(number)) for number in range(self.shards)]
            for second in range(self.seconds):
                self.changes.get(second, lambda: None)()
                await asyncio.sleep(max(0.0, second + 1 - clock()))
            for task in tasks:
                task.cancel()

        run_virtual(clock, main())
        return found
