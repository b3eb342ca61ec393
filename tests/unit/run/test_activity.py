"""What a run does at the moment."""

from connectors.run.activity import Activity, Position
from tests.unit.fake_clock import FakeClock


def test_a_wait_lasts_until_it_goes_on() -> None:
    """Or until its next try should have been over for long."""
    clock = FakeClock()
    activity = Activity(clock)
    activity.waits_for("a", 10)
    activity.waits_for("b", 10)
    clock.now += 20
    assert activity.waits() == ["a", "b"]
    activity.goes_on("a")
    activity.goes_on("never there")
    assert activity.waits() == ["b"]
    clock.now += 1000
    assert activity.waits() == []


def test_waits_are_bounded() -> None:
    """The latest are kept: reasons have names in them."""
    activity = Activity(FakeClock())
    for number in range(1000):
        activity.waits_for(str(number), 1)
    assert activity.waits()[-1] == "999"
    assert len(activity.waits()) == 20


def test_epochs() -> None:
    """Each partition reports the same ones; the first report counts."""
    clock = FakeClock()
    activity = Activity(clock)
    assert activity.snapshot_age() is None
    activity.epoch_closed(3)
    clock.now += 5
    activity.epoch_closed(3)
    assert (activity.epochs, activity.snapshot_age()) == (3, 5)


def test_positions_with_their_lag() -> None:
    """Behind the durable offset; where the end is not known there is none."""
    activity = Activity(FakeClock())
    activity.reads("b:1", lambda: Position("b", 1, 9, 5, 20))
    activity.reads("a:0", lambda: Position("a", 0, 9, 9, None))
    assert [position.as_json()["lag"] for position in activity.positions()] == [None, 15]
    assert Position("a", 0, 9, 9, 7).as_json()["lag"] == 0
