"""Signals that end the demo, handled only at safe points.

A signal that raises wherever the program happens to be can arrive between the start of a process
and the note of its number, or inside the clean-up: then a process or file is left behind. So the
handler only takes a note, and every wait of the demo goes through `check` or `pause`.
"""

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):  # noqa: N818 - not an error
    """The user wants to stop; `exit_code` is the shell's number for the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class Interruption:
    """The signals that arrived so far."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._seen = False
        self._arrived = threading.Event()
        self.urgent = False
        """Whether a second signal arrived: end without waiting for any process."""

    def listen(self) -> None:
        """Handle SIGINT, SIGTERM and SIGHUP from now on. Main thread only."""
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # `make` repeats the SIGINT that the terminal has already sent to all processes. That is no
        # second request, so a repeat counts only after `check` has seen the first.
        if self._number is not None and self._seen:
            self.urgent = True
        self._number = number
        self._arrived.set()

    def check(self) -> None:
        """Raise Interrupted if a signal has arrived."""
        if self._number is not None:
            self._seen = True
            raise Interrupted(self._number)

    def pause(self, seconds: float) -> None:
        """Wait `seconds`, or until a signal arrives. Raises Interrupted then."""
        self._arrived.wait(seconds)
        self.check()
