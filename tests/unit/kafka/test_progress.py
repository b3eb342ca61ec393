"""How far a source has read: when a run that ends is done, and what is committed after it."""

import pytest

from connectors.kafka.progress import Progress
from tests.unit.factories import new_run


@pytest.mark.parametrize("ends", [True, False])
def test_a_run_that_ends_drains_when_all_is_read(ends: bool) -> None:
    """Not before the last partition is read to its end; any other run reads on."""
    run = new_run()
    progress = Progress(run, ends_when_read=ends)
    progress.found({"orders:0", "orders:1"})
    progress.read_to_end("orders:0")
    progress.read_to_end("orders:0")
    assert run.drain_reason is None
    progress.read_to_end("orders:1")
    assert (run.drain_reason is not None) == ends


@pytest.mark.parametrize("commits", [True, False])
def test_the_last_snapshot_of_each_partition_counts(commits: bool) -> None:
    """A dry run keeps none for the group."""
    progress = Progress(new_run(), commits=commits)
    for offset in (5, 9):
        progress.snapshotted("orders", 0, offset)
    progress.snapshotted("orders", 1, 7)
    found = [(each.topic, each.partition, each.offset) for each in progress.snapshots()]
    assert found == ([("orders", 0, 9), ("orders", 1, 7)] if commits else [])
