"""The rules of /health and /ready, each on both sides of its limit."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.run.context import Run
from connectors.run.health import RULES, judge
from tests.unit.factories import settings
from tests.unit.fake_clock import FakeClock


class Case:
    """A run that reads one partition and is well."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        made = settings(http={"wait_limit": 30, "snapshot_limit": 300}, kafka={"stalled_after": 60})
        self.run = Run("sync", made, None, clock=self.clock)
        self.partition = self.run.meters.partition("orders", 0, 5, True)

    def found(self) -> list[str]:
        return [problem.rule for problem in judge(self.run).problems]

    def state(self) -> tuple[bool, bool]:
        judgement = judge(self.run)
        return judgement.healthy, judgement.ready


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_run_that_reads_is_well(case: Case) -> None:
    """A run that reads is healthy and ready and has no problem."""
    assert (case.found(), case.state()) == ([], (True, True))


def test_a_run_without_a_partition_is_not_ready() -> None:
    """It starts, and a restart would not help."""
    run = Run("sync", settings(), None, clock=FakeClock())
    assert [problem.rule for problem in judge(run).problems] == ["starting"]
    assert (judge(run).healthy, judge(run).ready) == (True, False)


def test_a_drain_is_not_ready(case: Case) -> None:
    """A run that drains is not ready."""
    case.run.drain("SIGTERM")
    assert (case.found(), case.state()) == (["draining"], (True, False))


def test_a_paused_run_is_not_ready_and_not_stalled(case: Case) -> None:
    """However long the pause is; a restart would not help, since it survives that."""
    case.run.paused = True
    case.partition.set_end(90, case.clock.now)
    case.clock.now += 200
    case.run.meters.snapshot_durable()
    assert (case.found(), case.state()) == (["paused"], (True, False))
    case.run.paused = False
    assert case.found() == ["partition_stalled"]


def test_a_failure_is_neither(case: Case) -> None:
    """Something failed in the background; its text is in the log."""
    case.run.fail(ValueError("a value of a record"))
    assert case.state() == (False, False)
    assert "value" not in judge(case.run).problems[0].text


@pytest.mark.parametrize(
    ("interval", "age", "late"),
    [(5, 300, False), (5, 301, True), (200, 600, False), (200, 601, True)],
)
def test_a_late_snapshot_is_neither(case: Case, interval: int, age: int, late: bool) -> None:
    """Its limit is the setting, or three intervals where those are longer."""
    case.run.meters.snapshot_interval = interval
    case.clock.now += age
    assert case.found() == (["snapshot_late"] if late else [])
    assert case.state() == (not late, not late)
    case.run.meters.snapshot_durable()
    assert case.state() == (True, True)


def test_a_late_snapshot_of_a_run_that_waits_is_healthy(case: Case) -> None:
    """A restart does not mend a throttled table."""
    case.run.waits.enter("tablestore", "orders")
    case.clock.now += 301
    assert case.found() == ["snapshot_late", "waiting"]
    assert case.state() == (True, False)


@pytest.mark.parametrize("service", ["tablestore", "registry", "kafka"])
@pytest.mark.parametrize(("seconds", "ready"), [(29, True), (30, False)])
def test_a_wait_is_listed_and_then_not_ready(
    case: Case, service: str, seconds: int, ready: bool
) -> None:
    """Whatever is waited for; until it is over."""
    case.run.waits.enter(service, "orders")
    case.clock.now += seconds
    assert (case.found(), case.state()) == (["waiting"], (True, ready))
    case.run.waits.leave(service, "orders")
    assert case.state() == (True, True)


def test_a_partition_that_the_source_finds_standing_is_not_ready(case: Case) -> None:
    """A partition that the source reports as stalled makes the run not ready, and is named."""
    case.run.counts.note_stalled("orders:0", True)
    (problem,) = judge(case.run).problems
    assert (problem.rule, problem.subject) == ("partition_stalled", "orders:0")
    assert case.state() == (True, False)


@pytest.mark.parametrize(
    ("end", "seconds", "stalled"), [(5, 61, False), (6, 60, False), (6, 61, True)]
)
def test_a_durable_offset_that_does_not_move_is_not_ready(
    case: Case, end: int, seconds: int, stalled: bool
) -> None:
    """Only where there is more to read, and longer than kafka.stalled_after."""
    case.partition.set_end(end, case.clock())
    case.run.meters.snapshot_interval = 1
    case.clock.now += seconds
    case.run.meters.snapshot_durable()
    assert case.found() == (["partition_stalled"] if stalled else [])


def _wait(case: Case) -> None:
    case.run.waits.enter("tablestore", "orders")


def _drain(case: Case) -> None:
    case.run.drain("SIGTERM")


@pytest.mark.parametrize("reason", [_wait, _drain])
def test_a_known_reason_is_no_standstill(case: Case, reason: Callable[[Case], None]) -> None:
    """What is waited for is said once, not for each partition."""
    case.partition.set_end(6, case.clock())
    case.clock.now += 100
    reason(case)
    assert "partition_stalled" not in case.found()


def test_a_topic_without_a_table_fails_nothing(case: Case) -> None:
    """It is listed with its reason; the others go on."""
    case.run.meters.waiting_topics = {"new": "its table does not exist"}
    (problem,) = judge(case.run).problems
    assert (problem.rule, problem.subject) == ("topic_waiting", "new")
    assert case.state() == (True, True)


def test_the_rules_are_documented() -> None:
    """docs/operations.md has each with what it fails and when."""
    page = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
    for rule, (fails, when) in RULES.items():
        assert f"| `{rule}` | {fails} | {when} |" in page
