"""What a key's changes make of its row, against a table that really applies them."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.rows_api import Found
from connectors.verify.changes import NO_ORDINAL, Change, Spill, Standing
from connectors.verify.history import History
from connectors.verify.judge import Judge, TableView
from connectors.verify.outcomes import Outcome, Outcomes

NOW = 1_800_000_000_000
VIEW = TableView("t", is_point=False, ignored=(), time_to_live=-1)
ENCODER = RowEncoder()
KEY = [("id", "k")]


def change(
    operation: str,
    columns: dict[str, Any] | None = None,
    deleted: tuple[str, ...] = (),
    *,
    ordinal: int = 0,
    source: int = 0,
    standing: Standing = Standing.APPLIED,
    version: int | None = None,
    time: int = NOW,
) -> Change:
    """A change of one key."""
    made: Any = operation
    identity, wire, done = ENCODER.row(made, KEY, [*(columns or {}).items()], deleted, version)
    return Change(ordinal, source, 0, done, standing, time, identity, wire)


class Case:
    """The outcomes of changes."""

    def __init__(self, folder: Path, changes: list[Change], view: TableView = VIEW) -> None:
        self.outcomes = Outcomes(folder / f"c{random.random()}", 100)
        self.view = view
        for _ in changes:
            self.outcomes.add(0, 0)
        self.history = History(view.is_point, self.outcomes)
        for number, one in enumerate(changes):
            ordinal = number if one.ordinal != NO_ORDINAL else NO_ORDINAL
            self.history.add(one._replace(ordinal=ordinal))

    def against(self, row: dict[str, Any] | None) -> list[str]:
        """What is said of each with this row in the table."""
        found: list[Found] = []
        if row is not None:
            found = [
                {
                    name: value if isinstance(value, tuple) else (value, None)
                    for name, value in row.items()
                }
            ]
        Judge(self.outcomes, NOW).judge(self.history, self.view, found)
        said = [outcome.name for _, outcome in self.outcomes.all()]
        self.outcomes.close()
        return said


def applied(changes: list[Change], values: dict[int, Any]) -> dict[str, Any] | None:
    """The row that a table has after these changes in order; `values` by the id of a change."""
    row: dict[str, Any] | None = None
    for one in changes:
        columns, deleted = values[id(one)]
        if one.operation == "delete":
            row = None
        elif one.operation == "put":
            row = dict(columns)
        else:
            row = dict(row or {}, **columns)
            for name in deleted:
                row.pop(name, None)
            row = row or None  # a row that never had a put and has no column is none
    return row


OPERATION = st.tuples(
    st.sampled_from(["put", "update", "update", "delete"]),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), min_size=1),
    st.sets(st.sampled_from("abc"), max_size=1),
    st.integers(0, 2),  # source
    st.sampled_from([Standing.APPLIED, Standing.APPLIED, Standing.DEAD_LETTERED]),
)


def made_of(operations: list[Any], sources: int) -> tuple[list[Change], dict[int, Any]]:
    """Changes and what each does."""
    changes, values = [], {}
    for operation, columns, removed, source, standing in operations:
        gone = tuple(sorted(removed - columns.keys())) if operation == "update" else ()
        kept = {} if operation == "delete" else columns
        one = change(
            operation,
            kept,
            gone,
            source=source % sources,
            standing=standing if sources > 1 else Standing.APPLIED,
        )
        changes.append(one)
        values[id(one)] = kept, gone
    return changes, values


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATION, min_size=1, max_size=40), st.integers(1, 3), st.randoms())
def test_no_row_that_a_correct_run_leaves_is_a_finding(
    tmp_path_factory: pytest.TempPathFactory,
    operations: list[Any],
    sources: int,
    order: random.Random,
) -> None:
    """Partitions in any interleaving; dead letters left out, or replayed at the end."""
    changes, values = made_of(operations, sources)
    lanes: dict[int, list[Change]] = {}
    for one in changes:
        if one.standing == Standing.APPLIED:
            lanes.setdefault(one.source, []).append(one)
    merged = []
    while any(lanes.values()):
        merged.append(lanes[order.choice([s for s, left in lanes.items() if left])].pop(0))
    merged += [
        one for one in changes if one.standing == Standing.DEAD_LETTERED and order.random() < 0.5
    ]
    case = Case(tmp_path_factory.mktemp("verify"), changes)
    said = case.against(applied(merged, values))
    assert not {"MISSING", "DIFFERS", "NOT_SAMPLED"} & {*said}, said


@settings(max_examples=100, deadline=None)
@given(st.lists(OPERATION, min_size=1, max_size=40), st.sampled_from("abc"))
def test_every_other_row_is_a_finding(
    tmp_path_factory: pytest.TempPathFactory, operations: list[Any], column: str
) -> None:
    """Of one partition, whose last change is a put: a value, a column more or less, no row."""
    operations = [*operations, ("put", {"a": 1, "b": 2}, set(), 0, Standing.APPLIED)]
    changes, values = made_of(operations, 1)
    right = applied(changes, values)
    assert right is not None
    wrongs: list[dict[str, Any] | None] = [
        {**right, "a": 99},
        {**right, "a": True},  # equal to 1, of another type
        {**right, "d": 1},
        {name: value for name, value in right.items() if name != "b"},
        None,
    ]
    folder = tmp_path_factory.mktemp("verify")
    for wrong in wrongs:
        said = Case(folder, changes).against(wrong)
        assert said[-1] == ("MISSING" if wrong is None else "DIFFERS"), (column, wrong)


def test_updates_without_number_are_counted_and_do_not_pile_up(tmp_path: Path) -> None:
    """A key of many updates keeps those of which something is left."""
    changes = [change("update", {"abc"[n % 3]: n}) for n in range(5000)]
    case = Case(tmp_path, changes)
    kept = case.history._sequences[0, Standing.APPLIED, 0]
    assert len(kept) <= 64
    said = case.against({"a": 4998, "b": 4999, "c": 4997})
    assert said.count("SUPERSEDED") == 4997
    assert said[-3:] == ["RIGHT"] * 3


def test_what_is_not_committed_is_pending(tmp_path: Path) -> None:
    """Also what it may have half replaced; where it is written already, it is right."""
    first = change("put", {"a": 1})
    late = change("put", {"a": 2}, standing=Standing.PENDING)
    for row, said in (
        ({"a": 1}, ["RIGHT", "PENDING"]),
        ({"a": 2}, ["SUPERSEDED", "RIGHT"]),
        (None, ["PENDING", "PENDING"]),
    ):
        assert Case(tmp_path, [first, late]).against(row) == said


def test_a_record_behind_the_selection_supersedes_and_is_not_counted(tmp_path: Path) -> None:
    """Nothing is said of it."""
    later = change("put", {"a": 2}, ordinal=NO_ORDINAL)
    case = Case(tmp_path, [change("put", {"a": 1}), later])
    assert case.against({"a": 5})[0] == "SUPERSEDED"


def test_rows_past_their_time_to_live_cannot_be_verified(tmp_path: Path) -> None:
    """Gone by themselves; a young one is missing."""
    view = TableView("t", is_point=False, ignored=(), time_to_live=86_400)
    old = change("put", {"a": 1}, time=NOW - 90_000_000)
    assert Case(tmp_path, [old], view).against(None) == ["UNVERIFIABLE"]
    assert Case(tmp_path, [change("put", {"a": 1})], view).against(None) == ["MISSING"]


def test_the_newest_version_is_what_the_row_has(tmp_path: Path) -> None:
    """A late one is superseded; a newer one than any record's explains another value."""
    changes = [change("update", {"a": n}, version=NOW + n) for n in (5, 3, 4)]
    assert Case(tmp_path, changes).against({"a": (5, NOW + 5)}) == [
        "RIGHT",
        "SUPERSEDED",
        "SUPERSEDED",
    ]
    assert Case(tmp_path, changes).against({"a": (9, NOW + 9)})[0] == "SUPERSEDED"
    assert Case(tmp_path, changes).against({"a": (4, NOW + 4)})[0] == "DIFFERS"


def test_changes_of_a_key_stay_together_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a part is divided once more."""
    monkeypatch.setattr("connectors.verify.changes._MAX_BYTES", 10_000)
    spill = Spill(tmp_path)
    wire = change("put", {"a": 1}).wire
    number = 5000
    for n in range(number):
        identity = b"key-%d" % (n % 700)
        one = Change(n, 0, 0, "put", Standing.APPLIED, 0, identity, wire)
        spill.add(one, b"one series" if n % 2 else identity)
    seen: dict[bytes, list[int]] = {}
    sizes = []
    for part in spill.parts():
        here: dict[bytes, list[int]] = {}
        for one in part:
            here.setdefault(one.identity, []).append(one.ordinal)
        assert not here.keys() & seen.keys()
        for key, ordinals in here.items():
            assert ordinals == sorted(ordinals)
            seen.setdefault(key, []).extend(ordinals)
        sizes.append(sum(map(len, here.values())))
    assert sum(map(len, seen.values())) == number
    assert max(sizes) < number / 20
    assert [*tmp_path.iterdir()] == []


def test_a_record_takes_a_byte_of_memory(tmp_path: Path) -> None:
    """And twelve on disk, for its coordinates."""
    outcomes = Outcomes(tmp_path / "coordinates", 0)
    for offset in range(50_000):
        outcomes.note(outcomes.add(7, offset), Outcome.RIGHT)
    assert len(outcomes._outcomes) == 50_000
    assert outcomes.coordinates_of(49_999) == (7, 49_999)
    assert outcomes.counts()[Outcome.RIGHT] == 50_000
    outcomes.close()
    assert (tmp_path / "coordinates").stat().st_size == 600_000
