"""The part of the demo that decides: it must be able to say no."""

from typing import Any

import pytest

from demo.proof import Comparison, FlowEnd, accounting, flow_end
from demo.tablestore import DeadLetter, Row

pytestmark = pytest.mark.unit

FIELDS: dict[str, Any] = {"order_id": "A", "amount": 1.0, "items": [{"n": 1}], "note": None}
COLUMNS: dict[str, Any] = {"amount": 1.0, "items": '[{"n": 1}]'}
GOOD = FlowEnd({"read": 10, "written": 8, "rejected": 2}, {"decode, value_json": 2}, {"orders": 2})


def verdict(*rows: Row) -> list[str]:
    """What the comparison says about these rows, where the one order is FIELDS."""
    comparison = Comparison({"A": FIELDS})
    for row in rows:
        comparison.take(row)
    return comparison.verdict()


def test_a_row_with_the_order_s_values_is_right() -> None:
    """Nested values are compared as JSON, and a null is no column."""
    assert verdict(Row("A", COLUMNS)) == []


@pytest.mark.parametrize(
    "columns",
    [
        {**COLUMNS, "amount": 1.5},
        {**COLUMNS, "amount": 1},
        {**COLUMNS, "amount": True},
        {**COLUMNS, "items": '[{"n": 2}]'},
        {**COLUMNS, "items": [{"n": 1}]},
        {**COLUMNS, "note": "x"},
        {"amount": 1.0},
    ],
    ids=["value", "integer", "boolean", "nested", "not text", "extra", "missing"],
)
def test_a_wrong_column_is_found(columns: dict[str, Any]) -> None:
    """Another value, another type, a column too many or too few: each is reported, with the row."""
    (text,) = verdict(Row("A", columns))
    assert "row A" in text


def test_missing_twice_and_foreign_rows_are_found() -> None:
    """Loss, repetition and rows of unknown orders are each reported."""
    assert "not in the table: A" in verdict()[0]
    assert "came twice" in verdict(Row("A", COLUMNS), Row("A", COLUMNS))[0]
    assert "no such order" in verdict(Row("A", COLUMNS), Row("B", COLUMNS))[0]


def test_many_wrong_rows_are_reported_in_few_lines() -> None:
    """The first five, and how many more."""
    lines = verdict(*(Row(f"X{number}", {}) for number in range(50)), Row("A", COLUMNS))
    assert len(lines) == 6
    assert "45 more" in lines[-1]


def test_the_account_is_read_from_the_flow_s_output() -> None:
    """The last line gives the counts; the dead letters say why and of which topic."""
    lines = [
        "2026-01-05 08:00:00,000 INFO sync: reading 4 partitions",
        "sync: ended: read=10 written=8 rejected=2 filtered=0",
    ]
    dead_letters = [
        DeadLetter("orders", 2, 17, "decode, value_json", "x", 0, b""),
        DeadLetter("readings", 0, 3, "map, integer_range", "y", 0, b""),
    ]
    end = flow_end(lines, dead_letters)
    assert end.counts == {"read": 10, "written": 8, "rejected": 2, "filtered": 0}
    assert end.reasons == {"decode, value_json": 1, "map, integer_range": 1}
    assert end.topics == {"orders": 1, "readings": 1}


def test_an_account_that_adds_up_is_accepted() -> None:
    """All orders were read, each is written or rejected, and the table has the written rows."""
    assert accounting(10, 2, GOOD, 8, []) == []


@pytest.mark.parametrize(
    ("produced", "broken", "end", "rows", "word"),
    [
        (11, 2, GOOD, 8, "produced is 11"),
        (10, 3, GOOD, 8, "broken on purpose is 3"),
        (10, 2, GOOD, 7, "rows in the table is 7"),
        (10, 2, GOOD._replace(reasons={}), 8, "dead letters in their table is 0"),
        (10, 2, GOOD._replace(counts={**GOOD.counts, "read": 9}), 8, "read by the flow is 9"),
        (10, 2, GOOD._replace(counts={**GOOD.counts, "written": 7}), 8, "written is 7"),
        (10, 2, FlowEnd({}, {}, {}), 8, "last line"),
    ],
)
def test_an_account_that_does_not_add_up_is_refused(
    produced: int, broken: int, end: FlowEnd, rows: int, word: str
) -> None:
    """Each equation alone can fail the demo, and the text has the numbers."""
    assert any(word in text for text in accounting(produced, broken, end, rows, []))


def test_a_difference_in_the_table_is_a_failure_by_itself() -> None:
    """Right counts with wrong rows are no success."""
    assert accounting(10, 2, GOOD, 8, ["row A: other"]) == ["row A: other"]
