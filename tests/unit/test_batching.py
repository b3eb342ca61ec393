"""Batching: limits, age, order, and what a batcher's state holds."""

import pickle
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.batching import Batcher, State, builder
from connectors.records import Original, Segment, segment_of_state
from tests.unit.batchers import Counted, limits, offsets_of, sizes_of, some_rows, waiting_in
from tests.unit.factories import batch, dead_in, dead_letter, rows_in, wire_of


def test_rows_wait_below_the_limits() -> None:
    """Nothing comes out of a batcher that is neither full nor due."""
    batcher = Batcher(limits(rows=5, bytes=100), None, Counted())
    for offset in range(4):
        assert batcher.on_batch([batch(some_rows(24, start=offset))]) == ([], False)
    assert offsets_of([(waiting_in(batcher), [])]) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("sizes", "out", "left"),
    [
        ([2] * 5, [[2] * 5], []),
        ([2] * 6, [[2] * 5], [2]),
        ([2] * 12, [[2] * 5, [2] * 5], [2, 2]),
        ([50, 50], [[50, 50]], []),
        ([50, 49], [], [50, 49]),
        ([50, 48, 2], [[50, 48, 2]], []),
        ([50, 51], [[50]], [51]),
        ([60, 60, 60], [[60], [60]], [60]),
        ([100], [[100]], []),
        ([101], [[101]], []),
        ([2, 500, 2], [[2], [500]], [2]),
        ([500, 500], [[500], [500]], []),
        ([2, 2, 98, 2], [[2, 2], [98, 2]], []),
        ([2, 2, 97], [[2, 2]], [97]),
        ([2, 2, 96], [[2, 2, 96]], []),
        ([], [], []),
    ],
)
@pytest.mark.parametrize("piecemeal", [False, True])
def test_a_batcher_closes_on_rows_and_bytes(
    sizes: list[int], out: list[list[int]], left: list[int], piecemeal: bool
) -> None:
    """With 5 rows or 100 bytes a batch: what comes out at once, and what goes on waiting.

    Given row by row, a batcher may close earlier, but within the limits and in order all the same.
    """
    batcher = Batcher(limits(rows=5, bytes=100), None, Counted())
    rows = some_rows(*sizes)
    if piecemeal:
        full = [found for one in rows for found in batcher.on_batch([batch([one])])[0]]
    else:
        full, _ = batcher.on_batch([batch(rows)])
        assert sizes_of(full) == out
        assert sizes_of([(waiting_in(batcher), [])]) == ([left] if left else [])
    assert offsets_of([*full, (waiting_in(batcher), [])]) == [*range(len(sizes))]
    for sizes_out in sizes_of(full):
        assert len(sizes_out) <= 5
        assert sum(sizes_out) <= 100 or len(sizes_out) == 1


def test_an_oversized_row_goes_alone() -> None:
    """A row beyond the byte limit is a batch of its own, between its neighbours."""
    batcher = Batcher(limits(rows=10, bytes=100), None, Counted())
    full, _ = batcher.on_batch([batch(some_rows(10, 10, 300, 10, 10))])
    assert sizes_of(full) == [[10, 10], [300]]
    assert sizes_of(batcher.on_eof()[0]) == [[10, 10]]


def test_dead_letters_pass_at_once() -> None:
    """They wait for nothing, keep their order, and do not close the batcher."""
    batcher = Batcher(limits(), None, Counted())
    out, _ = batcher.on_batch(
        [batch(some_rows(2), [dead_letter(1)]), batch([], [dead_letter(2), dead_letter(3)])]
    )
    assert rows_in(out) == []
    assert [found.offset for found in dead_in(out)] == [1, 2, 3]
    assert offsets_of([(waiting_in(batcher), [])]) == [0]
    assert batcher.notify_at() is not None


def test_dead_letters_alone_start_no_clock() -> None:
    """Nothing waits, so nothing is due."""
    batcher = Batcher(limits(), None, Counted())
    batcher.on_batch([batch([], [dead_letter(1)])])
    assert batcher.notify_at() is None
    assert batcher.snapshot() == []


def test_age_counts_from_the_oldest_row() -> None:
    """Later rows do not put off the moment; it lies `age` after the first one came."""
    batcher = Batcher(limits(rows=100, age=60.0), None, Counted())
    before = datetime.now(timezone.utc)
    batcher.on_batch([batch(some_rows(2))])
    after = datetime.now(timezone.utc)
    due = batcher.notify_at()
    assert due is not None
    assert before + timedelta(seconds=60) <= due <= after + timedelta(seconds=60)
    for offset in range(1, 50):
        batcher.on_batch([batch(some_rows(2, start=offset))])
        assert batcher.notify_at() == due


def test_the_clock_starts_again_with_what_is_left_over() -> None:
    """After a batch has gone, the oldest of the rest has just come; with no rest there is none."""
    batcher = Batcher(limits(rows=3, age=60.0), None, Counted())
    batcher.on_batch([batch(some_rows(2))])
    first = batcher.notify_at()
    batcher.on_batch([batch(some_rows(2, 2, 2, start=1))])
    second = batcher.notify_at()
    assert first is not None
    assert second is not None
    assert second >= first
    batcher.on_batch([batch(some_rows(2, 2, start=4))])
    assert batcher.notify_at() is None


def test_what_is_due_goes_out_whole() -> None:
    """on_notify and on_eof give all rows, in batches within the limits, and stop the clock."""
    for closing in (Batcher.on_notify, Batcher.on_eof):
        batcher = Batcher(limits(rows=5), None, Counted())
        batcher.on_batch([batch(some_rows(2, 2, 2))])
        out, discard = closing(batcher)
        assert (sizes_of(out), discard) == ([[2, 2, 2]], False)
        assert batcher.notify_at() is None
        assert batcher.snapshot() == []


def test_an_empty_batcher_can_be_woken() -> None:
    """Bytewax keeps an old time scheduled: waking an empty batcher gives nothing, ever."""
    batcher = Batcher(limits(rows=2), None, Counted())
    assert batcher.on_notify() == ([], False)
    assert batcher.on_eof() == ([], False)
    batcher.on_batch([batch(some_rows(2, 2))])
    assert batcher.on_notify() == ([], False)
    batcher.on_batch([batch(some_rows(2))])
    assert offsets_of(batcher.on_notify()[0]) == [0]
    assert batcher.on_notify() == ([], False)


def test_a_resumed_batcher_is_due_at_once() -> None:
    """So the first epoch of the run has a snapshot of it, and none of a killed run replaces it."""
    state: State = [*batch(some_rows(2, 2, 2))[0]]
    counted = Counted()
    batcher = builder(limits(age=60.0), lambda: counted)(state)
    assert counted.numbers == {"resumed": 3}
    due = batcher.notify_at()
    assert due is not None
    assert due <= datetime.now(timezone.utc)
    assert offsets_of(batcher.on_eof()[0]) == [0, 1, 2]


def test_a_new_batcher_is_no_resumed_one() -> None:
    """Without a state nothing is due; with an empty one it is called at once, and has no rows."""
    counted = Counted()
    build = builder(limits(), lambda: counted)
    assert build(None).notify_at() is None
    resumed = build([])
    assert resumed.notify_at() is not None
    assert resumed.on_notify() == ([], False)
    assert resumed.notify_at() is None
    assert counted.numbers == {}


def test_what_passes_is_counted() -> None:
    """At each snapshot: what came, and was there before, has gone on or is counted as waiting."""
    counted = Counted()
    batcher = Batcher(limits(rows=5), [*batch(some_rows(2, 2))[0]], counted)
    for number in range(9):
        batcher.on_batch([batch(some_rows(*[2] * number), [dead_letter(1)] * (number % 3))])
        batcher.snapshot()
        numbers = counted.numbers
        assert (
            numbers["resumed"] + numbers["received"]
            == numbers.get("emitted", 0) + numbers["waiting"]
        )
    batcher.on_eof()
    batcher.snapshot()
    assert (counted.numbers["waiting"], counted.numbers["emitted"]) == (0, 2 + 36 + 9)


def test_a_resumed_batcher_keeps_smaller_limits() -> None:
    """State of a run with larger limits goes out in batches of the present ones."""
    state: State = [*batch(some_rows(*[10] * 12))[0]]
    batcher = Batcher(limits(rows=5, bytes=30), state, Counted())
    out = batcher.on_notify()[0]
    assert sizes_of(out) == [[10, 10, 10]] * 4
    assert offsets_of(out) == [*range(12)]


def test_a_snapshot_is_of_its_moment() -> None:
    """Rows that come or go later do not change it: Bytewax pickles it when it likes."""
    batcher = Batcher(limits(rows=3), None, Counted())
    batcher.on_batch([batch(some_rows(2, 2))])
    taken = batcher.snapshot()
    before = pickle.dumps(taken)
    batcher.on_batch([batch(some_rows(2, 2, 2, start=2))])
    batcher.on_eof()
    assert pickle.dumps(taken) == before
    assert offsets_of([([segment_of_state(each) for each in taken], [])]) == [0, 1]


def test_the_state_is_of_plain_types() -> None:
    """It can be read without our classes: tuples, lists, texts, integers and bytes only."""
    batcher = Batcher(limits(), None, Counted())
    batcher.on_batch([batch(some_rows(2, 2))])

    def kinds(value: object) -> set[type]:
        inner = value if isinstance(value, (list, tuple)) else ()
        return {type(value)}.union(*map(kinds, inner))

    state = batcher.snapshot()
    assert [type(each) for each in state] == [tuple]
    assert kinds(state) <= {list, tuple, str, int, bytes}


def test_the_state_of_rows_whose_key_is_the_offset_is_plain_too() -> None:
    """A mapping gives their offsets as a range, which pickle would store as a call."""
    batcher = Batcher(limits(), None, Counted())
    (segment,), _ = batch(some_rows(2, 2, 2))
    batcher.on_batch([([segment._replace(offsets=range(3))], [])])
    assert [each[5] for each in batcher.snapshot()] == [(0, 1, 2)]
    again = Batcher(limits(), batcher.snapshot(), Counted())
    assert offsets_of(again.on_eof()[0]) == [0, 1, 2]


def test_originals_stay_with_their_rows() -> None:
    """Where records carry their own bytes, cutting a batch keeps each with its row."""
    originals: list[Original] = [(number, None, b"v%d" % number, ()) for number in range(5)]
    segment = Segment(
        "orders",
        "orders",
        0,
        [b"k%d" % number for number in range(5)],
        wire_of(9) * 5,
        [*range(5)],
        originals,
        [9] * 5,
        [],
    )
    batcher = Batcher(limits(rows=2), None, Counted())
    out = batcher.on_batch([([segment], [])])[0] + batcher.on_eof()[0]
    assert [(found.offset, found.original) for found in rows_in(out)] == list(enumerate(originals))


@given(st.lists(st.integers(2, 300), max_size=60), st.integers(1, 200), st.integers(1, 1000))
def test_batches_are_as_full_as_they_can_be(sizes: list[int], rows: int, size: int) -> None:
    """No batch could have taken the next row too: requests are not wasted."""
    batcher = Batcher(limits(rows=rows, bytes=size), None, Counted())
    out = batcher.on_batch([batch(some_rows(*sizes))])[0] + batcher.on_eof()[0]
    cut = sizes_of(out)
    assert [length for part in cut for length in part] == sizes
    for part, following in pairwise(cut):
        assert len(part) == rows or sum(part) + following[0] > size
