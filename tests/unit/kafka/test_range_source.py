"""The bounded source: where it ends is noted once, and how fast it reads."""

from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.kafka.range_source import Pace
from connectors.replay.backfill import reading_range
from connectors.run.recovery import RecoveryFolder
from tests.unit.factories import new_run, settings

pytestmark = pytest.mark.unit


def test_ends_are_noted_once(tmp_path: Path) -> None:
    """A backfill that goes on keeps the ends that it began with; later partitions are added."""
    contract = {"flow": "backfill", "steps": ["backfill.read"], "shards": 8}
    folder = RecoveryFolder.open(tmp_path / "state", 0, 1, contract)
    assert folder.remember_ends({"a:0": 5}) == {"a:0": 5}
    assert folder.remember_ends({"a:0": 9, "a:1": 7}) == {"a:0": 5, "a:1": 7}


def test_the_rate_is_that_of_all_partitions_together() -> None:
    """By the run's clock: after so many records, so many seconds without one."""
    now = [100.0]
    run = new_run()
    run.clock = lambda: now[0]
    pace = Pace(run, 10.0)
    assert pace.wait() <= 0
    pace.read(5)
    pace.read(20)
    assert pace.wait() == pytest.approx(2.5)
    now[0] += 2.5
    assert pace.wait() == pytest.approx(0)
    now[0] += 100
    pace.read(10)
    assert pace.wait() == pytest.approx(1), "what was not used is not saved up"
    assert Pace(run, None).wait() == 0


def test_the_range_is_the_source_s(tmp_path: Path) -> None:
    """Topics, start and a group of its own; nothing else of the settings changes."""
    before = settings(
        kafka={"topics": ["a", "b"], "group": "g"},
        backfill={"topics": ["b"], "since": "2026-01-01T00:00:00Z", "rate": 50},
    )
    after = reading_range(before)
    assert after.kafka.topics == ("b",)
    assert after.kafka.group == "g-backfill"
    assert after.kafka.start_ms == 1_767_225_600_000
    assert after.kafka.chunk_messages == 50
    assert after.model_copy(update={"kafka": before.kafka}) == before
    with pytest.raises(StopRun, match="more than one topic"):
        reading_range(settings(kafka={"topics": ["a", "b"]}, backfill={"partition": 1}))
