"""What the insert and the delete mode make of a value with nulls, and of a tombstone."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.flows.changes.conftest import KEY, Topics, rows
from tests.flows.conftest import Case

pytestmark = pytest.mark.P3
KEPT = "kept"
"""Stands for a row that is as it was before."""
OLD = {"a": 0, "b": 0, "old": 0}


@dataclass
class Cell:
    """A cell of the truth table: three records of keys x, and what becomes of the row `OLD`."""

    insert: str
    delete: str
    null: Any
    """The row after a tombstone: columns, None for no row, `KEPT` for one that is rejected."""
    nulls: Any
    """After {"a": null, "b": null}."""
    some: Any
    """After {"a": null, "b": 1}."""

    @property
    def table(self) -> str:
        return f"{self.insert}_{self.delete}"


PUT_SOME = {"b": 1}
MERGED = {"a": 0, "b": 1, "old": 0}
WITHOUT = {"b": 1, "old": 0}
TRUTH = [
    Cell("put", "none", {}, {}, PUT_SOME),
    Cell("put", "row", None, {}, PUT_SOME),
    Cell("put", "column", {}, {}, PUT_SOME),
    Cell("put", "row_and_column", None, {}, PUT_SOME),
    Cell("update", "none", KEPT, KEPT, MERGED),
    Cell("update", "row", None, KEPT, MERGED),
    Cell("update", "column", KEPT, {"old": 0}, WITHOUT),
    Cell("update", "row_and_column", None, {"old": 0}, WITHOUT),
]
STATES = {"null": None, "nulls": {"a": None, "b": None}, "some": {"a": None, "b": 1}}


@pytest.mark.parametrize("listed", [False, True], ids=["all", "listed"])
def test_the_truth_table(embedded_case: Case, topics: Topics, listed: bool) -> None:
    """Both insert modes by four delete modes by three kinds of record, over rows that are there.

    In listed tables the value also lacks fields that the row has: absent is not null.
    """
    tables: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for cell in TRUTH:
        topic = topics.make()
        places[topic] = cell.table
        tables[cell.table] = {
            "primary_key_mode": "record_key",
            "primary_key": KEY,
            "insert_mode": cell.insert,
            "delete_mode": cell.delete,
            "auto_create": True,
        }
        if listed:
            tables[cell.table]["columns"] = [
                {"name": name, "type": "integer"} for name in ("a", "b", "old", "absent")
            ]
        for state, value in STATES.items():
            topics.send(topic, {"id": state}, OLD)
            topics.send(topic, {"id": state}, value)
            topics.send(topic, {"id": f"{state} of none"}, value)
    counts = topics.run(tables, places)
    rejected = 0
    for cell in TRUTH:
        found = rows(embedded_case.store, cell.table)
        for state in STATES:
            wanted = getattr(cell, state)
            rejected += 2 * (wanted == KEPT)
            wanted = OLD if wanted == KEPT else wanted
            assert found.get(state) == wanted, (cell, state, found)
            alone = found.get(f"{state} of none")
            if cell.insert == "put":
                assert alone == wanted, (cell, state, found)
            else:  # an update of no row makes one of what it sets, and deletes make none
                assert alone == ({"b": 1} if state == "some" else None), (cell, state, found)
    assert counts["rejected"] == rejected == 2 * 4
    assert counts["written"] + rejected == len(TRUTH) * 9
