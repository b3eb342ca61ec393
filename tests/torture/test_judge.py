"""The judge of torture: what is right passes, and each kind of mistake is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from torture.judge import DeadLetter, Row, Verdict, judge, row_of
from torture.records import APPEND, NEWEST_PUT, PUT, UPDATE, Columns, Feed, Kind, Produced, Sent

PARTITION = 0


def change(
    topic: str, offset: int, kind: Kind, columns: Columns | None = None, row: str = "k", at: int = 0
) -> Produced:
    """A record of partition 0."""
    row = "" if topic == APPEND else row
    sent = Sent(topic, PARTITION, b"key", b"%d" % offset, kind, row, columns or {}, at)
    return Produced(sent, (topic, PARTITION, offset))


RECORDS = [
    change(APPEND, 0, "put", {"n": 0}),
    change(APPEND, 1, "reject"),
    change(APPEND, 2, "refuse", {"n": 2}),
    change(APPEND, 3, "filter", {"n": 3}),
    change(PUT, 0, "put", {"n": 0, "a": 1}),
    change(PUT, 1, "put", {"n": 1}),
    change(PUT, 2, "put", {"n": 2}, row="gone"),
    change(PUT, 3, "delete", row="gone"),
    change(UPDATE, 0, "update", {"n": 0, "a": 1, "b": 1}),
    change(UPDATE, 1, "update", {"n": 1, "a": None, "b": 2}),
    change(NEWEST_PUT, 0, "newest", {"n": 0, "at": 9}, at=9),
    change(NEWEST_PUT, 1, "newest", {"n": 1, "at": 5, "a": 1}, at=5),
]
ROWS: dict[Row, Columns] = {
    (APPEND, (f"{APPEND}_0", 0)): {"n": 0},
    (PUT, ("k",)): {"n": 1},
    (UPDATE, ("k",)): {"n": 1, "b": 2},
    (NEWEST_PUT, ("k",)): {"n": 0, "at": 9, "a": 1},
}
DEAD = [DeadLetter((APPEND, 0, offset), b"key", b"%d" % offset) for offset in (1, 2)]
APPLIED = Counter({row_of(r): 0 for r in RECORDS if r.sent.kind in ("put", "update", "delete")})


def judged(
    changed: dict[Row, Columns | None] | None = None,
    dead: Sequence[DeadLetter] = DEAD,
    applied: Counter[Row] = APPLIED,
) -> Verdict:
    """The verdict with some rows replaced, or taken away."""
    rows = {row: columns for row, columns in {**ROWS, **(changed or {})}.items() if columns}
    return judge(RECORDS, rows, dead, applied)


def test_what_is_right_passes() -> None:
    """Each kind of record, with nothing repeated."""
    verdict = judged()
    assert (verdict.status, verdict.findings, verdict.duplicates) == ("PASS", [], 0)
    assert (verdict.records, verdict.rows) == (len(RECORDS), len(ROWS))


@pytest.mark.parametrize(
    ("row", "columns", "kind"),
    [
        ((APPEND, (f"{APPEND}_0", 0)), None, "lost"),
        ((APPEND, (f"{APPEND}_0", 0)), {"n": 7}, "wrong"),
        ((APPEND, (f"{APPEND}_0", 2)), {"n": 2}, "wrong"),
        ((APPEND, (f"{APPEND}_0", 3)), {"n": 3}, "wrong"),
        ((PUT, ("k",)), None, "lost"),
        ((PUT, ("k",)), {"n": 0, "a": 1}, "out_of_order"),
        ((PUT, ("k",)), {"n": 1, "a": 1}, "wrong"),
        ((PUT, ("gone",)), {"n": 2}, "out_of_order"),
        ((PUT, ("other",)), {"n": 2}, "wrong"),
        ((UPDATE, ("k",)), {"n": 1, "a": 1, "b": 2}, "wrong"),
        ((UPDATE, ("k",)), {"n": 0, "a": 1, "b": 1}, "out_of_order"),
        ((NEWEST_PUT, ("k",)), {"n": 1, "at": 5, "a": 1}, "wrong"),
        ((NEWEST_PUT, ("k",)), {"n": 0, "at": 9}, "out_of_order"),
    ],
)
def test_a_row_that_is_not_what_it_must_be(row: Row, columns: Columns | None, kind: str) -> None:
    """Lost, wrong, or the state before; filtered and refused records have none."""
    verdict = judged({row: columns})
    assert (verdict.status, dict(verdict.kinds)) == ("FAIL", {kind: 1}), verdict.findings


@pytest.mark.parametrize(
    ("dead", "kind"),
    [
        (DEAD[:1], "unaccounted"),
        (DEAD[1:], "unaccounted"),
        ([*DEAD, DeadLetter((PUT, 0, 0), b"key", b"0")], "unaccounted"),
        ([DEAD[0], DEAD[1]._replace(value=b"other")], "wrong"),
        ([DEAD[0]._replace(key=None), DEAD[1]], "wrong"),
    ],
)
def test_a_dead_letter_that_is_not_what_it_must_be(dead: list[DeadLetter], kind: str) -> None:
    """Missing, of a good record, or with other bytes."""
    assert dict(judged(dead=dead).kinds) == {kind: 1}


def test_repeats_are_counted_and_are_no_mistake() -> None:
    """Row changes beyond one a record, and dead letters beyond the first."""
    row = (APPEND, (f"{APPEND}_0", 0))
    verdict = judged(dead=[*DEAD, DEAD[0]], applied=Counter({row: 3, (PUT, ("k",)): 2}))
    assert (verdict.status, verdict.duplicates) == ("PASS", 1 + 2)


def test_what_proves_nothing_is_unknown() -> None:
    """No records, or a doubt; but what is wrong stays wrong."""
    assert judge([], {}, [], {}).status == "UNKNOWN"
    assert judge(RECORDS, ROWS, DEAD, APPLIED, ["nothing struck"]).status == "UNKNOWN"
    assert judge(RECORDS, {}, DEAD, APPLIED, ["nothing struck"]).status == "FAIL"


def test_a_seed_makes_the_same_records_of_each_kind() -> None:
    """The same again, and no kind is missing."""
    first, second = Feed(3), Feed(3)
    made = [first.next() for _ in range(5000)]
    assert made == [second.next() for _ in range(5000)]
    kinds = {record.kind for record in made}
    assert kinds == {"put", "update", "delete", "newest", "reject", "refuse", "filter"}
