"""Processes that a test ends, stops and lets report, beside a clock that it moves."""

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.control.protocol import CommandError
from connectors.settings.operation import SupervisorSettings
from connectors.supervisor.ends import ProcessEnd
from connectors.supervisor.supervisor import Supervisor
from tests.unit.fake_clock import FakeClock

SETTINGS = SupervisorSettings(
    backoff_initial=1, backoff_max=8, forming_deadline=30, progress_deadline=100
)
DRAIN_DEADLINE = 20.0


class FakeProcess:
    """A process as the supervisor sees it; what happens to it is in `got`."""

    def __init__(self, number: int, clock: FakeClock) -> None:
        self.number = number
        self.pid = 100 + number
        self.forming_since = self.last_heard = clock.now
        self.formed = self.restarts = self.started = self.drained = False
        self.epochs = self.work = 0
        self.waits: Sequence[str] = ()
        self.state = "starting"
        self.counts: Mapping[str, int] | None = None
        self.notes: Sequence[str] = ()
        self.got: list[object] = []
        self.drains_with: int | None = 0
        self._end: ProcessEnd | None = None

    def runs(self) -> "FakeProcess":
        """It has found the others and taken a snapshot."""
        self.started = self.formed = True
        self.state, self.epochs = "running", 1
        return self

    def ends(self, code: int, kind: str | None = None, text: str = "") -> None:
        """It has ended."""
        if self._end is None:
            self._end = ProcessEnd(self.number, self.pid, code, kind, text, killed=False)

    def poll(self) -> ProcessEnd | None:
        return self._end

    def signal(self, number: int) -> None:
        self.got.append(signal.Signals(number).name)
        if self.drains_with is not None:
            self.ends(self.drains_with)

    def kill(self) -> None:
        if self._end is None:
            self.got.append("killed")
            self._end = ProcessEnd(self.number, self.pid, -9, None, "", killed=True)

    def ask(self, command: str, **arguments: Any) -> Any:
        self.got.append((command, arguments))
        if self._end is not None:
            raise CommandError("it has ended")
        return "done"

    def close(self) -> None:
        assert self._end is not None, "only what has ended is closed"


class Rig:
    """A supervisor of fake processes. `script` is called at each look, `starts` counts them."""

    def __init__(
        self,
        processes: int = 2,
        settings: SupervisorSettings = SETTINGS,
        settle: float | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.starts: list[list[FakeProcess]] = []
        self.paused: list[bool] = []
        self.started_at: list[float] = []
        self.script: Callable[[list[FakeProcess]], None] = lambda _: None
        self._number = processes
        self.supervisor = Supervisor(
            settings,
            DRAIN_DEADLINE,
            self._launch,
            settle=settle,
            clock=self.clock,
            wait=self._wait,
        )

    def _launch(self, paused: bool) -> list[FakeProcess]:
        self.paused.append(paused)
        self.started_at.append(self.clock.now)
        self.starts.append([FakeProcess(number, self.clock) for number in range(self._number)])
        assert len(self.starts) < 100, "it starts again for ever"
        return self.starts[-1]

    def _wait(self, seconds: float) -> None:
        self.clock.now += seconds
        assert self.clock.now < 100_000, "it waits for ever"
        if self.starts:
            self.script(self.starts[-1])

    def run(self) -> int:
        """The exit code of the run."""
        return self.supervisor.run()
