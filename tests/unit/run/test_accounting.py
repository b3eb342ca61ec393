"""The account of a run: at every snapshot all records read are done or wait, or it is logged."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from connectors.run.accounting import Counts

pytestmark = pytest.mark.unit


class Process:
    """The counts of a process as its source, steps, batcher and shard keep them."""

    def __init__(self, single_process: bool = True) -> None:
        self.counts = Counts(single_process)
        self.batcher = self.counts.new_batcher()
        self.shard = self.counts.new_shard()
        self._epochs = 0

    def epoch(
        self,
        read: int,
        filtered: int,
        emitted: int,
        waiting: int,
        rejected: int = 0,
        added: int = 0,
    ) -> None:
        """One epoch of a process where all that the steps leave goes to its batcher."""
        self.counts.add("read", read)
        self.counts.add("filtered", filtered)
        self.counts.add("added", added)
        self.counts.mapped(read + added - filtered)
        self.batcher.received(read + added - filtered)
        self.batcher.emitted(emitted)
        self.batcher.snapshot(waiting)
        self.shard.received(emitted)
        self.counts.add("written", emitted - rejected, self.shard)
        self.counts.add("rejected", rejected, self.shard)
        self.shard.snapshot()

    def unbalanced(self) -> int:
        """Verify as the source does before it reads on; the number of wrong snapshots."""
        self._epochs += 1
        self.counts.verify_epoch(self._epochs)
        self.counts.verify_epoch(self._epochs)  # by the next partition, which may have read on
        return self.counts.snapshot()["unbalanced"]


def test_what_waits_is_no_loss() -> None:
    """Rows in batchers, dropped and added records, rejections and resumed rows: all add up."""
    process = Process()
    process.batcher.resumed(7)
    assert process.unbalanced() == 0
    process.epoch(read=100, filtered=10, emitted=60, waiting=37)
    assert process.unbalanced() == 0
    process.epoch(read=10, filtered=5, emitted=50, waiting=17, rejected=3, added=25)
    assert process.unbalanced() == 0
    process.epoch(read=0, filtered=0, emitted=17, waiting=0)
    assert process.unbalanced() == 0
    process.counts.verify_end()
    assert process.counts.snapshot()["unbalanced"] == 0
    assert process.counts.account()["in_flight"] == 0


def test_what_belongs_to_the_next_epoch_is_left_out() -> None:
    """Batchers and shards go on meanwhile: only their numbers of the snapshot count."""
    process = Process()
    process.epoch(read=100, filtered=10, emitted=60, waiting=30)
    process.batcher.emitted(30)
    process.shard.received(30)
    process.counts.add("written", 30, process.shard)
    assert process.unbalanced() == 0
    process.counts.add("read", 50)
    process.counts.verify_epoch(1)
    assert process.counts.snapshot()["unbalanced"] == 0


FAULTS: dict[str, Callable[[Process], None]] = {
    "a record lost before the batcher": lambda p: p.counts.add("read", 1),
    "a record counted twice": lambda p: p.counts.add("written", 1, p.shard),
    "a rejection counted twice": lambda p: p.counts.add("rejected", 1, p.shard),
    "dropped without being counted": lambda p: p.counts.add("filtered", -1),
    "added without being counted": lambda p: p.counts.add("added", -1),
}


@pytest.mark.parametrize("single_process", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_record_too_few_or_too_many_is_counted_and_logged(
    fault: str, single_process: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted at every snapshot as long as it is so; logged once."""
    process = Process(single_process)
    process.epoch(read=100, filtered=10, emitted=60, waiting=30)
    FAULTS[fault](process)
    with caplog.at_level(logging.ERROR):
        for number in range(1, 4):
            process.epoch(read=10, filtered=0, emitted=10, waiting=30)
            assert process.unbalanced() == number
    assert caplog.text.count("do not balance") == 1


def test_a_batcher_that_loses_rows_is_found() -> None:
    """Fewer wait in it than it received and did not emit."""
    process = Process()
    process.epoch(read=100, filtered=10, emitted=60, waiting=29)
    assert process.unbalanced() == 1


def test_processes_of_a_cluster_balance_each() -> None:
    """Rows go to batchers of the other process, and from its batchers to shards of this one."""
    here, there = Process(single_process=False), Process(single_process=False)
    for process, (received, waiting, emitted, taken) in (
        (here, (30, 10, 20, 45)),
        (there, (70, 15, 55, 30)),
    ):
        process.counts.add("read", 50)
        process.counts.mapped(50)
        process.batcher.received(received)
        process.batcher.emitted(emitted)
        process.batcher.snapshot(waiting)
        process.shard.received(taken)
        process.counts.add("written", taken, process.shard)
        process.shard.snapshot()
        assert process.unbalanced() == 0
    assert here.counts.account()["in_flight"] + there.counts.account()["in_flight"] == 25


def test_a_clean_end_leaves_nothing() -> None:
    """A record that was read and is not done by then is logged."""
    process = Process()
    process.counts.add("read", 2)
    process.counts.add("written", 1, process.shard)
    process.counts.verify_end()
    assert process.counts.snapshot()["unbalanced"] == 1
