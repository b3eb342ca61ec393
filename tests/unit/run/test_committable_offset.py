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


@pytest.mark.P1
def test_rows_on_their_way_to_a_busy_batcher_count_from_their_arrival(clock: FakeClock) -> None:
    """The worker of a batcher may be blocked for long: a row's age begins when it comes in."""
    offsets = CommittableOffset(0, age=2.0, clock=clock)
    offsets.snapshotted(10)
    clock.now += 60  # until all before it is durable
    for _ in range(4):
        assert offsets.due() is None
        clock.now += 0.5
        offsets.snapshotted(10)
    for _ in range(3):
        clock.now += 0.5
        offsets.snapshotted(10)
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
    st.lists(
        st.tuples(st.floats(0.01, 3), st.integers(0, 5), st.none() | st.floats(0, 3)), max_size=40
    ),
)
def test_a_committed_offset_is_always_in_the_tables(
    age: float, steps: list[tuple[float, int, float | None]]
) -> None:
    """Against a model: rows read before snapshot i are in the batchers when it is durable.

    They are out `age` later, and durable when a snapshot has begun after that and is durable too.
    """
    now = 0.0
    offsets = CommittableOffset(0, age, lambda: now)
    offset = 0
    taken: list[tuple[float, int]] = []
    durable: dict[int, float] = {}  # offset: when its first snapshot was
    committed = 0
    for wait, read, until_asked in steps:
        now += wait
        if taken:
            durable.setdefault(taken[-1][1], now)
        offset += read
        offsets.snapshotted(offset)
        taken.append((now, offset))
        if until_asked is None:
            continue
        now += until_asked
        durable.setdefault(offset, now)
        found = offsets.due()
        if found is None:
            continue
        assert found > committed
        committed = found
        began = [moment for moment, _ in taken[:-1]]
        assert any(moment > durable[found] + age for moment in began), "its rows may still wait"
    for _ in range(4):
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
