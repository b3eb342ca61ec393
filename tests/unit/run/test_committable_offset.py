"""The group's offset: never beyond what is in the tables, and not far behind it for long."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.run.committable_offset import CommittableOffset
from tests.unit.fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """Time stands still until it is moved."""
    return FakeClock()


def test_an_offset_waits_until_its_rows_have_left_the_batchers(clock: FakeClock) -> None:
    """Rows read before a snapshot may wait for the age of a batch, and then one epoch more."""
    offsets = CommittableOffset(0, age=2.0, clock=clock)
    offsets.snapshotted(10)
    assert offsets.due() is None
    clock.now += 1.9
    offsets.snapshotted(20)
    clock.now += 0.2  # 2.1 s after the first snapshot
    offsets.snapshotted(30)
    assert offsets.due() is None, "the epoch in which its rows left is not known to be durable"
    clock.now += 1.0
    offsets.snapshotted(40)
    assert offsets.due() == 10


def test_an_idle_partition_is_committed_once(clock: FakeClock) -> None:
    """The same offset again and again is one commit; the start itself is none."""
    offsets = CommittableOffset(7, age=1.0, clock=clock)
    found = []
    for offset in [7, 7, 9, 9, 9, 9, 9, 9]:
        offsets.snapshotted(offset)
        found.append(offsets.due())
        clock.now += 1.1
    assert [offset for offset in found if offset is not None] == [9]


def test_the_newest_of_many_is_committed(clock: FakeClock) -> None:
    """After a pause one commit says it all."""
    offsets = CommittableOffset(0, age=0.5, clock=clock)
    for offset in range(1, 6):
        offsets.snapshotted(offset)
        clock.now += 0.01
    for _ in range(3):
        clock.now += 1.0
        offsets.snapshotted(5)
    assert offsets.due() == 5
    assert offsets.due() is None


@given(
    st.floats(0.01, 5),
    st.lists(st.tuples(st.floats(0.01, 3), st.integers(0, 5), st.booleans()), max_size=40),
)
def test_a_committed_offset_is_always_in_the_tables(
    age: float, steps: list[tuple[float, int, bool]]
) -> None:
    """Against a model: rows read before snapshot i are out of the batchers `age` later.

    They are durable when a snapshot has begun after that and is durable itself.
    """
    now = 0.0
    offsets = CommittableOffset(0, age, lambda: now)
    offset = 0
    taken: list[tuple[float, int]] = []
    committed = 0
    for wait, read, asked in steps:
        now += wait
        offset += read
        offsets.snapshotted(offset)
        taken.append((now, offset))
        if not asked:
            continue
        found = offsets.due()
        if found is None:
            continue
        assert found > committed
        committed = found
        began = min(moment for moment, reached in taken if reached == found)
        assert any(moment > began + age for moment, _ in taken), "its rows may still wait"
    for _ in range(3):
        now += age + 0.1
        offsets.snapshotted(offset)
    assert offsets.due() in (offset, None)
    assert offsets.due() is None, "said once"


def test_a_clock_that_is_set_back_makes_offsets_wait(clock: FakeClock) -> None:
    """Bytewax calls batchers by that clock, so their rows wait for longer than their age."""
    wall = FakeClock()

    def now() -> datetime:
        return datetime.fromtimestamp(wall.now, timezone.utc)

    offsets = CommittableOffset(0, age=1.0, clock=clock, now=now)
    offsets.snapshotted(10)
    wall.now -= 60
    for _ in range(30):
        clock.now += 2
        wall.now += 2
        offsets.snapshotted(20)
        assert offsets.due() is None
    for _ in range(3):
        clock.now += 2
        wall.now += 2
        offsets.snapshotted(20)
    assert offsets.due() == 20
