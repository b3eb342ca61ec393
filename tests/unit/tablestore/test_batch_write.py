"""Batches: every row written or rejected, in the order of its key, whatever is answered."""

import itertools
import random
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.tablestore.verdicts import RequestFailed, Retry, Verdict
from tests.unit.factories import batch
from tests.unit.tablestore.fake_service import (
    BAD,
    BUSY,
    OK,
    Change,
    Writing,
    answers,
    change,
    changes,
    rejects_whole,
    tolerant,
)


def test_a_batch_is_one_request() -> None:
    """All rows in their order, one request, all counted."""
    with Writing(tolerant()) as writing:
        writing.write(changes(("a", 1), ("b", 2), ("c", 3)))
        (request,) = writing.fake.requests
        assert request == [
            Change("orders", "a", "1"),
            Change("orders", "b", "2"),
            Change("orders", "c", "3"),
        ]
        assert writing.counts == {"written": 3}


def test_only_failed_rows_are_sent_again() -> None:
    """Of five rows two are busy, then one of them still: three requests, five, two, one rows."""
    with Writing(tolerant(), answers([OK, BUSY, OK, BUSY, OK], [BUSY, OK], None)) as writing:
        writing.write(changes(*[(name, 1) for name in "abcde"]))
        assert [[row.key for row in request] for request in writing.fake.requests] == [
            ["a", "b", "c", "d", "e"],
            ["b", "d"],
            ["b"],
        ]
        assert [row.key for row in writing.fake.applied] == [*"acedb"]
        assert writing.counts == {"written": 5, "retried": 3}


def test_a_request_that_failed_is_sent_again_whole() -> None:
    """Unknown outcomes of the whole request: all of it again, for as long as it takes."""
    trouble = RequestFailed(Retry("connection lost"))
    with Writing(tolerant(), answers(*[trouble] * 50)) as writing:
        writing.write(changes(("a", 1), ("b", 2)))
        assert len(writing.fake.requests) == 51
        assert writing.fake.rows == {("orders", "a"): "1", ("orders", "b"): "2"}
        assert writing.counts == {"written": 2, "retried": 100}


@pytest.mark.P3
def test_ten_values_of_one_key_end_at_the_tenth() -> None:
    """P3: each in a batch of its own, the first met by a conflict once: in order, all ten."""
    conflict = [Retry("OTSRowOperationConflict: busy")]
    with Writing(tolerant(), answers(conflict)) as writing:
        writing.write(*[changes(("k", number), start=number) for number in range(1, 11)])
        assert [row.value for row in writing.fake.applied] == [str(n) for n in range(1, 11)]
        assert writing.fake.rows["orders", "k"] == "10"
        assert writing.counts == {"written": 10, "retried": 1}


def test_ten_values_of_one_key_in_one_batch_are_one_row() -> None:
    """A put replaces the row whole, so only the last is sent; the others count as written."""
    conflict = [Retry("OTSRowOperationConflict: busy")]
    with Writing(tolerant(), answers(conflict)) as writing:
        writing.write(changes(*[("k", number) for number in range(1, 11)]))
        assert [row.value for row in writing.fake.applied] == ["10"]
        assert writing.counts == {"written": 10, "retried": 1}


@pytest.mark.P4
def test_a_rejected_row_takes_no_throttled_neighbour_along() -> None:
    """P4: one row is rejected for good, its neighbours busy: they are written later."""
    with Writing(tolerant(), answers([BUSY, BAD, BUSY])) as writing:
        writing.write(changes(("a", 1), ("b", 2), ("c", 3)))
        assert set(writing.fake.rows) == {("orders", "a"), ("orders", "c")}
        assert writing.counts == {"written": 2, "retried": 2, "rejected": 1}


@pytest.mark.P4
def test_a_rejected_last_change_falls_back_to_the_one_before() -> None:
    """P4: the good change that the bad one would have replaced is written instead."""

    def reply(found: list[Change]) -> Sequence[Verdict]:
        return [BAD if change.value == "bad" else OK for change in found]

    with Writing(tolerant(), reply) as writing:
        writing.write(changes(("k", 1), ("k", 2), ("x", 1), ("k", "bad"), ("y", 1)))
        assert writing.fake.rows == {
            ("orders", "k"): "2",
            ("orders", "x"): "1",
            ("orders", "y"): "1",
        }
        assert writing.counts == {"written": 4, "rejected": 1}


def test_falling_back_through_all_changes() -> None:
    """When every change of a key is rejected, each is a dead letter, and the row stays."""
    with Writing(tolerant(), lambda found: [BAD] * len(found)) as writing:
        writing.write(changes(("k", 1), ("k", 2), ("k", 3)))
        assert [request[0].value for request in writing.fake.requests] == ["3", "2", "1"]
        assert writing.counts == {"rejected": 3}


def test_falling_back_after_a_retry() -> None:
    """First busy, then rejected: the change before it is written, once."""
    with Writing(tolerant(), answers([BUSY], [BAD], [BUSY], [OK])) as writing:
        writing.write(changes(("k", 1), ("k", 2)))
        assert [request[0].value for request in writing.fake.requests] == ["2", "2", "1", "1"]
        assert writing.fake.rows["orders", "k"] == "1"
        assert writing.counts == {"written": 1, "retried": 2, "rejected": 1}


def test_the_same_key_in_two_tables_is_two_rows() -> None:
    """Equal keys of two tables are two rows."""
    with Writing(tolerant()) as writing:
        writing.write(
            batch(
                [
                    change("k", 1, table="orders"),
                    change("k", 2, table="clicks"),
                    change("k", 3, table="orders"),
                ]
            )
        )
        assert writing.fake.rows == {("orders", "k"): "3", ("clicks", "k"): "2"}
        assert len(writing.fake.requests) == 1
        assert writing.counts == {"written": 3}


def test_verdicts_meet_their_rows_across_tables() -> None:
    """Rows travel grouped by table; each verdict still meets the row that it is about."""

    def reply(found: list[Change]) -> Sequence[Verdict]:
        return [BAD if change.value == "bad" else OK for change in found]

    rows = [
        change(f"k{number}", "bad" if number % 3 == 0 else number, number, table)
        for number, table in zip(range(12), itertools.cycle(["orders", "clicks"]), strict=False)
    ]
    with Writing(tolerant(), reply) as writing:
        writing.write(batch(rows))
        assert set(writing.fake.rows) == {
            (row.table, f"k{number}") for number, row in enumerate(rows) if number % 3
        }
        assert writing.counts == {"written": 8, "rejected": 4}


def test_halving_finds_the_bad_row() -> None:
    """A whole request rejected for one row: that row is a dead letter, with few requests more."""
    with Writing(tolerant(), rejects_whole(("k77", "77"))) as writing:
        writing.write(changes(*[(f"k{number}", number) for number in range(200)]))
        assert len(writing.fake.rows) == 199
        assert writing.counts == {"written": 199, "rejected": 1}
        assert len(writing.fake.requests) <= 1 + 2 * 8


@settings(max_examples=40)
@given(st.integers(1, 60), st.data(), st.integers(0, 2**32))
def test_halving_finds_exactly_the_bad_rows(size: int, data: st.DataObject, seed: int) -> None:
    """Whatever rows are bad, of whatever tables and keys, with throttling in between.

    Exactly they are rejected, all others are written, and each key ends at its last good change.
    """
    chance = random.Random(seed)
    bad = data.draw(st.sets(st.integers(0, size - 1)))
    keys = data.draw(st.integers(1, size))
    places = [
        (chance.choice(["orders", "clicks"]), f"k{chance.randrange(keys)}") for _ in range(size)
    ]
    rows = [change(key, number, number, table) for number, (table, key) in enumerate(places)]

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        if chance.random() < 0.15:
            raise RequestFailed(Retry("connection lost"))
        if any(int(change.value) in bad for change in found):
            raise RequestFailed(BAD, BAD.code)
        if chance.random() < 0.15:
            return [BUSY if chance.random() < 0.5 else OK for _ in found]
        return None

    expected = {}
    for number, place in enumerate(places):
        if number not in bad:
            expected[place] = str(number)
    with Writing(tolerant(), reply) as writing:
        writing.write(batch(rows))
        counts = writing.run.counts.snapshot()
        assert writing.fake.rows == expected
        # A bad change that a later good one replaces is never sent: it counts as written.
        sent = {int(change.value) for request in writing.fake.requests for change in request}
        assert counts["rejected"] == len(bad & sent)
        assert counts["written"] == size - counts["rejected"]


@pytest.mark.P3
@pytest.mark.P4
@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_any_trouble_leaves_each_key_at_its_last_good_change(seed: int, shards: int) -> None:
    """Random throttling, lost answers after the effect, rejections, several shards: P3, P4, counts.

    Each row's outcome is fixed by its value, so that a row is rejected however often it is sent.
    """
    chance = random.Random(seed)
    lock = threading.Lock()

    def reply(found: list[Change]) -> Sequence[Verdict] | None:
        with lock:
            luck = chance.random()
            if luck < 0.1:
                raise RequestFailed(BUSY, "OTSServerBusy")
            return [
                BAD if change.value.startswith("bad") else BUSY if chance.random() < 0.2 else OK
                for change in found
            ]

    expected: dict[tuple[str, str], str] = {}
    total = 0
    with Writing(tolerant(), reply) as writing:
        made = [writing.shard() for _ in range(shards)]
        for number, shard in enumerate(made):
            for _ in range(chance.randrange(6)):
                values = []
                for _ in range(chance.randrange(1, 9)):
                    key = f"shard{number}-{chance.randrange(4)}"
                    bad = chance.random() < 0.2
                    values.append((key, f"{'bad' if bad else 'good'}{total}"))
                    if not bad:
                        expected["orders", key] = f"good{total}"
                    total += 1
                shard.write_batch([changes(*values)])
        for shard in made:
            shard.snapshot()
        counts = writing.run.counts.snapshot()
        assert writing.fake.rows == expected
        assert counts["written"] + counts["rejected"] == total
