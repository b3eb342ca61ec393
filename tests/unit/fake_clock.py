"""A clock that a test moves."""


class FakeClock:
    """Seconds, as of time.monotonic; they stand still until `now` is changed."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """The time of the clock, in seconds."""
        return self.now
