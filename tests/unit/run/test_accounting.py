"""The account of a run: at every snapshot all that was read is settled or waits, or it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from connectors.run.accounting import Counts

pytestmark = pytest.mark.unit


class Process:
    """The counts of a process as its source, steps, window and lane keep them."""

    def __init__(self, alone: bool = True) -> None:
        self.counts = Counts()
        self.counts.alone = alone
        self.window = self.counts.open_window()
        self.lane = self.counts.open_lane()
        self._epochs = 0

    def epoch(self, read: int, filtered: int, given: int, waiting: int, rejected: int = 0) -> None:
        """One epoch of a process where all that the steps leave comes to its window."""
        self.counts.add("read", read)
        self.counts.add("filtered", filtered)
        self.counts.mapped(read - filtered)
        self.window.came(read - filtered)
        self.window.gave(given)
        self.window.snapshot(waiting)
        self.lane.took(given)
        self.counts.add("written", given - rejected, self.lane)
        self.counts.add("rejected", rejected, self.lane)
        self.lane.snapshot()

    def unbalanced(self) -> int:
        """Check as the source does before it reads on: at how many snapshots it was wrong."""
        self._epochs += 1
        self.counts.check(self._epochs)
        self.counts.check(self._epochs)  # by the next partition, which may have read on
        return self.counts.snapshot()["unbalanced"]


def test_what_waits_is_no_loss() -> None:
    """Rows in windows, dropped and added records, rejections and resumed rows: all add up."""
    process = Process()
    process.window.resumed(7)
    assert process.unbalanced() == 0
    process.epoch(read=100, filtered=10, given=60, waiting=37)
    assert process.unbalanced() == 0
    process.epoch(read=10, filtered=-20, given=50, waiting=17, rejected=3)
    assert process.unbalanced() == 0
    process.epoch(read=0, filtered=0, given=17, waiting=0)
    assert process.unbalanced() == 0
    process.counts.check_all()
    assert process.counts.snapshot()["unbalanced"] == 0
    assert process.counts.account()["in_flight"] == 0


def test_what_belongs_to_the_next_epoch_is_left_out() -> None:
    """Windows and lanes go on while one checks: only their numbers of the snapshot count."""
    process = Process()
    process.epoch(read=100, filtered=10, given=60, waiting=30)
    process.window.gave(30)
    process.lane.took(30)
    process.counts.add("written", 30, process.lane)
    assert process.unbalanced() == 0
    process.counts.add("read", 50)
    process.counts.check(1)
    assert process.counts.snapshot()["unbalanced"] == 0


FAULTS: dict[str, Callable[[Process], None]] = {
    "a record lost before the window": lambda p: p.counts.add("read", 1),
    "a record counted twice": lambda p: p.counts.add("written", 1, p.lane),
    "a rejection counted twice": lambda p: p.counts.add("rejected", 1, p.lane),
    "dropped without being counted": lambda p: p.counts.add("filtered", -1),
}


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_record_too_few_or_too_many_is_counted_and_told(
    fault: str, alone: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """At every snapshot as long as it is so; told once."""
    process = Process(alone)
    process.epoch(read=100, filtered=10, given=60, waiting=30)
    FAULTS[fault](process)
    with caplog.at_level(logging.ERROR):
        for number in range(1, 4):
            process.epoch(read=10, filtered=0, given=10, waiting=30)
            assert process.unbalanced() == number
    assert caplog.text.count("do not balance") == 1


def test_a_window_that_loses_rows_is_found() -> None:
    """It gave fewer than it says, or holds fewer."""
    process = Process()
    process.epoch(read=100, filtered=10, given=60, waiting=29)
    assert process.unbalanced() == 1


def test_processes_of_a_cluster_balance_each_alone() -> None:
    """Rows go to windows of the other process, and from its windows to lanes of this one."""
    here, there = Process(alone=False), Process(alone=False)
    for process, (came, waiting, gave, took) in (
        (here, (30, 10, 20, 45)),
        (there, (70, 15, 55, 30)),
    ):
        process.counts.add("read", 50)
        process.counts.mapped(50)
        process.window.came(came)
        process.window.gave(gave)
        process.window.snapshot(waiting)
        process.lane.took(took)
        process.counts.add("written", took, process.lane)
        process.lane.snapshot()
        assert process.unbalanced() == 0
    assert here.counts.account()["in_flight"] + there.counts.account()["in_flight"] == 25


def test_a_clean_end_leaves_nothing() -> None:
    """What was read and is neither settled nor waits by then is told."""
    process = Process()
    process.counts.add("read", 2)
    process.counts.add("written", 1, process.lane)
    process.counts.check_all()
    assert process.counts.snapshot()["unbalanced"] == 1
