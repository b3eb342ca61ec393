"""The last half hour, and no more."""

import pytest

from connectors.http_api.history import INTERVAL, Sampler
from connectors.run.context import Run


def test_points_have_the_counts_of_their_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The highest lag in time, the sum of the lags in records; times are those of all processes."""
    monkeypatch.setattr("connectors.http_api.history.time.time", lambda: 1003.0)
    sampler = Sampler(run)
    sampler.sample()
    (point,) = sampler.history().points
    assert (point.time, point.read, point.written, point.rejected) == (1000.0, 160, 140, 3)
    assert (point.bytes, point.lag_records) == (25_000, 100)


def test_the_oldest_points_go(run: Run) -> None:
    """Half an hour of them stays, however long the run lasts."""
    sampler = Sampler(run)
    for _ in range(1000):
        sampler.sample()
    assert (len(sampler.history().points) - 1) * INTERVAL == 1800
