"""What several processes say, as one: which numbers are sums, and which are the worst."""

from connectors.http_api.history import Sampler
from connectors.http_api.merge import merge_health, merge_history, merge_status
from connectors.http_api.models import Health, History, Point
from connectors.http_api.provider import ProcessProvider
from tests.unit.fake_clock import FakeClock
from tests.unit.http_api.conftest import busy_run


def test_sums_and_worst() -> None:
    """Tables by name, rejections by reason, the oldest snapshot, partitions of all in order."""
    clock = FakeClock()
    one, other = busy_run(0, clock), busy_run(1, clock)
    clock.now += 7
    one.meters.snapshot_durable()
    merged = merge_status({1: ProcessProvider(other).present(), 0: ProcessProvider(one).present()})
    assert (merged.snapshots.number, merged.snapshots.age_seconds) == (1, 7)
    (table,) = merged.tables
    assert (table.rows["written"], table.bytes, sum(table.durations)) == (280, 50_000, 4)
    assert [(one.topic, one.partition) for one in merged.partitions] == [
        ("clicks", 0),
        ("clicks", 1),
        ("orders", 0),
        ("orders", 1),
    ]
    assert [rejection.number for rejection in merged.rejections] == [6]
    assert [note.field for note in merged.drift] == ["colour"], "both have noticed it"
    assert [process.process for process in merged.processes] == [0, 1]


def test_a_wait_of_several_processes_is_one() -> None:
    """It has lasted since the first; all that wait are counted."""
    clock = FakeClock()
    runs = [busy_run(number, clock) for number in range(2)]
    for run in runs:
        run.waits.enter("tablestore", "orders")
        clock.now += 5
    merged = merge_status({n: ProcessProvider(run).present() for n, run in enumerate(runs)})
    (wait,) = merged.waits
    assert (wait.seconds, wait.waiting) == (10, 2)


def test_the_state_is_the_worst() -> None:
    """One that drains: the run drains. One that is away: the run has lost a process."""
    runs = [busy_run(number) for number in range(2)]
    runs[1].drain("SIGTERM")
    found = {number: ProcessProvider(run).present() for number, run in enumerate(runs)}
    assert (merge_status(found).state, merge_status(found).ready) == ("draining", False)
    assert merge_status({**found, 2: "no answer"}).state == "unreachable"


def test_health_is_that_of_all() -> None:
    """The problems of each are kept."""
    well = Health(ok=True, state="running", problems=[])
    assert merge_health({0: well, 1: well}, "fails_health").ok
    ill = merge_health({0: well, 1: well.model_copy(update={"ok": False})}, "fails_health")
    assert not ill.ok


def test_points_of_one_time_are_added() -> None:
    """A process that has none at a time adds nothing."""
    sampler = Sampler(busy_run())
    sampler.sample()
    (point,) = sampler.history().points

    def at(time: float, **values: object) -> Point:
        return point.model_copy(update={"time": time, **values})

    merged = merge_history(
        [
            History(interval_seconds=5, points=[at(0, lag_seconds=3.0), at(5, lag_seconds=None)]),
            History(interval_seconds=5, points=[at(5, lag_seconds=9.0, lag_records=None)]),
        ]
    )
    assert [(one.time, one.read, one.lag_records, one.lag_seconds) for one in merged.points] == [
        (0, 160, 100, 3.0),
        (5, 320, 100, 9.0),
    ]
