"""Ctrl-C and its relatives, as a question asked at safe places and never as a bolt from the blue.

A signal that raises wherever the program happens to be can hit between the start of a process and
the note of its number, or inside the clean-up: then something stays behind. So the handler only
takes a note, and every wait of the demo passes through `check` or `pause`.
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
    """What signals came so far."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._seen = False
        self._arrived = threading.Event()
        self.urgent = False
        """A second signal came: end without waiting for anyone."""

    def listen(self) -> None:
        """Take over SIGINT, SIGTERM and SIGHUP. Main thread only."""
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # `make` passes on the SIGINT that the terminal has already given to everyone: a repeat of
        # it is no second wish, so only a later one counts, once the first was seen.
        if self._number is not None and self._seen:
            self.urgent = True
        self._number = number
        self._arrived.set()

    def check(self) -> None:
        """Raise Interrupted when a signal came."""
        if self._number is not None:
            self._seen = True
            raise Interrupted(self._number)

    def pause(self, seconds: float) -> None:
        """Wait, at most until a signal comes. Raises Interrupted then."""
        self._arrived.wait(seconds)
        self.check()
