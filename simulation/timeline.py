"""Virtual time: what happens next, in one thread and in an order that only the seed decides."""

from __future__ import annotations

import asyncio
import heapq
import inspect
from collections.abc import Callable
from contextvars import Context, copy_context
from datetime import datetime, timedelta, timezone
from typing import Any
from weakref import WeakSet

_START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Crash(BaseException):
    """The process is gone: nothing of it runs any more. Nothing catches this but the engine."""


class Handle:
    """A call that is to come; asyncio's own code cancels it by this."""

    __slots__ = ("args", "cancelled_", "context", "function", "loop", "time")

    def __init__(
        self,
        time: float,
        loop: VirtualLoop | None,
        function: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        self.time = time
        self.loop = loop
        self.function = function
        self.args = args
        self.context = context
        self.cancelled_ = False

    def cancel(self) -> None:
        """Do not call it."""
        self.cancelled_ = True

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self.cancelled_

    def when(self) -> float:
        """When it is called, in virtual seconds."""
        return self.time


class Timeline:
    """The virtual clock, in seconds, and the calls that are to come."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jump = 0.0  # seconds by which the machines' clocks are wrong
        self._calls: list[tuple[float, int, Handle]] = []
        self._sequence = 0

    def wall_clock(self) -> datetime:
        """The time as machines see it: it jumps when their clocks are set."""
        return _START + timedelta(seconds=self.now + self.jump)

    def seconds_of(self, moment: datetime) -> float:
        """When the wall clock will show a moment, unless it jumps."""
        # The wall clock counts microseconds, so that it may show one less than has passed.
        return (moment - _START).total_seconds() - self.jump + 2e-6

    def at(
        self,
        time: float,
        function: Callable[..., object],
        *args: Any,
        loop: VirtualLoop | None = None,
        context: Context | None = None,
    ) -> Handle:
        """Call a function at a time; with the loop of a process only while that lives."""
        handle = Handle(time, loop, function, args, context)
        self._sequence += 1
        heapq.heappush(self._calls, (time, self._sequence, handle))
        return handle

    def next_time(self) -> float:
        """When the next call is due; infinity without one."""
        calls = self._calls
        while calls:
            time, _, handle = calls[0]
            if not handle.cancelled_ and (handle.loop is None or handle.loop.alive):
                return time
            heapq.heappop(calls)
        return float("inf")

    def run_one(self) -> None:
        """Make the next call; `next_time` has said that it is due."""
        _, _, handle = heapq.heappop(self._calls)
        loop = handle.loop
        if loop is None:
            handle.function(*handle.args)
            return
        before = asyncio._get_running_loop()
        running: Any = loop
        asyncio._set_running_loop(running)
        try:
            (handle.context or loop.context).run(handle.function, *handle.args)
        except Crash:
            loop.alive = False
        finally:
            asyncio._set_running_loop(before)


class VirtualLoop:
    """The asyncio loop of a simulated process, as far as tasks and futures need one."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.alive = True
        self.context = copy_context()
        self._coroutines: WeakSet[Any] = WeakSet()

    def time(self) -> float:
        """Virtual seconds."""
        return self._timeline.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        """As asyncio's."""
        return self._timeline.at(self._timeline.now, callback, *args, loop=self, context=context)

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        """As asyncio's."""
        return self.call_at(self._timeline.now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        """As asyncio's."""
        return self._timeline.at(when, callback, *args, loop=self, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """As asyncio's."""
        loop: Any = self
        return asyncio.Future(loop=loop)

    def create_task(self, coro: Any, **kwargs: Any) -> asyncio.Task[Any]:
        """As asyncio's; a task that its process leaves behind is no matter for the log."""
        loop: Any = self
        self._coroutines.add(coro)
        task: Any = asyncio.Task(coro, loop=loop, **kwargs)
        task._log_destroy_pending = False
        return task  # type: ignore[no-any-return]

    def kill(self) -> None:
        """Nothing of the process runs any more; what had not begun is dropped without a warning."""
        self.alive = False
        for coroutine in self._coroutines:
            if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                coroutine.close()

    def run_in_executor(
        self,
        executor: Any,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Call it at once: a thread of the pool would be a second one."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What a dead process leaves behind is not reported."""

    def get_debug(self) -> bool:
        """No."""
        return False

    def is_running(self) -> bool:
        """As long as the process lives."""
        return self.alive

    def is_closed(self) -> bool:
        """When the process is dead."""
        return not self.alive
