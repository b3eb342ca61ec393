"""The demo's stream of sensor readings."""

import json
from collections import Counter

import pytest

from demo.readings import BROKEN, FAULTS, readings

pytestmark = pytest.mark.unit


def test_the_same_readings_at_every_run() -> None:
    """Two streams of one length are equal, so that figures can be compared."""
    assert list(readings(2_000)) == list(readings(2_000))


def test_no_reading_replaces_another() -> None:
    """Each good one has a series and time of its own, and its fields are what the message says."""
    good = [reading for reading in readings(20_000) if reading.fields is not None]
    assert len({reading.series for reading in good}) == len(good)
    for reading in good:
        assert (reading.fields or {}).items() <= json.loads(reading.value).items()


@pytest.mark.parametrize("count", [200, 5_000])
def test_broken_readings_are_as_many_as_promised(count: int) -> None:
    """All faults occur equally often, and a good reading of each device follows the last one."""
    stream = list(readings(count))
    faults = Counter(reading.fault for reading in stream if reading.fault is not None)
    assert faults == dict.fromkeys(FAULTS, BROKEN // len(FAULTS))
    assert all(reading.fault is None for reading in stream[count // 2 :])
    assert len({reading.key for reading in stream[count // 2 :]}) == 40
