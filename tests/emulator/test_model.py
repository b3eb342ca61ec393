"""Random row changes through the SDK leave what a simple model says; random bytes leave nothing."""

import random
from typing import Any

import pytest
import tablestore as ots
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, all_rows, batch, columns, now_ms, row

KEYS = st.tuples(st.sampled_from(["a", "a\0", "b", ""]), st.sampled_from([-1, 0, 2**62]))
NAMES = st.sampled_from(["c0", "c1", "c2"])
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=10),
    st.binary(max_size=10).map(bytearray),
)
PUT = st.tuples(st.just("put"), KEYS, st.dictionaries(NAMES, VALUES, max_size=3))
UPDATE = st.tuples(
    st.just("update"),
    KEYS,
    st.dictionaries(NAMES, st.one_of(st.none(), VALUES), min_size=1, max_size=3),
)
NO_CELLS: dict[str, Any] = {}
DELETE = st.tuples(st.just("delete"), KEYS, st.just(NO_CELLS))
EXISTENCE = st.sampled_from(["IGNORE", "IGNORE", "IGNORE", "EXPECT_EXIST", "EXPECT_NOT_EXIST"])
CHANGES = st.lists(st.tuples(st.one_of(PUT, UPDATE, DELETE), EXISTENCE), min_size=1, max_size=12)


def as_row(kind: str, key: tuple[str, int], cells: dict[str, Any]) -> Any:
    given_key = [("k", key[0]), ("id", key[1])]
    if kind == "put":
        return ots.Row(given_key, list(cells.items()))
    if kind == "delete":
        return ots.Row(given_key)
    change: dict[str, Any] = {}
    for name, value in cells.items():
        if value is None:
            change.setdefault("DELETE_ALL", []).append(name)
        else:
            change.setdefault("PUT", []).append((name, value))
    return ots.Row(given_key, change)


Model = dict[tuple[str, int], dict[str, Any]]


def apply(model: Model, change: Any, existence: str) -> bool:
    """Change the model as the documents say; False when the condition fails."""
    kind, key, cells = change
    if (existence == "EXPECT_EXIST" and key not in model) or (
        existence == "EXPECT_NOT_EXIST" and key in model
    ):
        return False
    if kind == "put":
        model[key] = dict(cells)
    elif kind == "delete":
        model.pop(key, None)
    elif key in model or any(value is not None for value in cells.values()):
        merged = {**model.get(key, {}), **cells}
        model[key] = {name: value for name, value in merged.items() if value is not None}
    return True


def stored(client: Any, table: str) -> Model:
    found: Model = {}
    for each in all_rows(client, table):
        found[tuple(value for _, value in each.primary_key)] = columns(each)
    return found


ITEMS = {"put": ots.PutRowItem, "update": ots.UpdateRowItem, "delete": ots.DeleteRowItem}


@pytest.mark.parametrize("native", [True, False])
def test_single_changes_equal_the_model(emulator: Emulator, native: bool) -> None:
    client = emulator.client(enable_native=native)

    @settings(max_examples=40, deadline=None)
    @given(CHANGES)
    def run(changes: list[Any]) -> None:
        table = emulator.make_table()
        model: Model = {}
        for change, existence in changes:
            call = getattr(client, f"{change[0]}_row")
            expected = apply(model, change, existence)
            code = ""
            try:
                call(table, as_row(*change), ots.Condition(existence))
            except ots.OTSServiceError as error:
                code = error.code
            assert code == ("" if expected else "OTSConditionCheckFail")
        assert stored(client, table) == model
        client.delete_table(table)

    run()


def test_batches_equal_the_model(emulator: Emulator) -> None:
    """One request, repeated keys included: rows see the changes before them."""
    client = emulator.client()

    @settings(max_examples=40, deadline=None)
    @given(CHANGES)
    def run(changes: list[Any]) -> None:
        table = emulator.make_table()
        model: Model = {}
        items, expected = [], []
        for change, _ in changes:
            expected.append(apply(model, change, "IGNORE"))
            items.append(ITEMS[change[0]](as_row(*change), ots.Condition("IGNORE")))
        request = ots.BatchWriteRowRequest()
        request.add(ots.TableInBatchWriteRowItem(table, items))
        assert client.batch_write_row(request).is_all_succeed()
        assert stored(client, table) == model
        client.delete_table(table)

    run()


VERSIONED = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete_one", "delete_all"]),
        NAMES,
        st.integers(0, 6),
        st.integers(0, 100),
    ),
    min_size=1,
    max_size=20,
)


def test_versions_equal_the_model(emulator: Emulator) -> None:
    """Puts at given times, single and total deletes: the newest three of what is left."""
    client = emulator.client()

    @settings(max_examples=40, deadline=None)
    @given(VERSIONED)
    def run(steps: list[tuple[str, str, int, int]]) -> None:
        table = emulator.make_table(max_version=3)
        start = now_ms()
        key = [("k", "a"), ("id", 1)]
        model: dict[str, dict[int, int]] = {}
        for kind, name, offset, value in steps:
            stamp = start + offset
            cells = model.setdefault(name, {})
            if kind == "put":
                change: dict[str, Any] = {"PUT": [(name, value, stamp)]}
                cells[stamp] = value
                model[name] = dict(sorted(cells.items(), reverse=True)[:3])
            elif kind == "delete_one":
                change = {"DELETE": [(name, None, stamp)]}
                cells.pop(stamp, None)
            else:
                change = {"DELETE_ALL": [name]}
                cells.clear()
            client.update_row(table, ots.Row(key, change), ots.Condition("IGNORE"))
        _, found, _ = client.get_row(table, key, max_version=10)
        expected = [
            (name, model[name][stamp], stamp)
            for name in sorted(model)
            for stamp in sorted(model[name], reverse=True)
        ]
        if any(kind == "put" for kind, *_ in steps):  # deletes alone make no row
            assert [tuple(cell) for cell in found.attribute_columns] == expected
        else:
            assert found is None
        client.delete_table(table)

    run()


REQUESTS: list[tuple[str, Any]] = [
    ("BatchWriteRow", lambda name: batch((name, [row([("k", "x"), ("id", 1)], [("c", 1)])]))),
    (
        "PutRow",
        lambda name: wire.PutRowRequest(
            table_name=name,
            row=row([("k", "x"), ("id", 1)], [("c", 1.5), ("d", "text")]),
            condition=wire.Condition(row_existence=0),
        ),
    ),
    (
        "GetRow",
        lambda name: wire.GetRowRequest(
            table_name=name, primary_key=row([("k", "a"), ("id", 1)]), max_versions=1
        ),
    ),
    (
        "GetRange",
        lambda name: wire.GetRangeRequest(
            table_name=name,
            direction=0,
            max_versions=1,
            inclusive_start_primary_key=row([("k", "a"), ("id", 1)]),
            exclusive_end_primary_key=row([("k", "b"), ("id", 1)]),
        ),
    ),
    ("DescribeTable", lambda name: wire.DescribeTableRequest(table_name=name)),
]


@pytest.mark.parametrize(("api", "build"), REQUESTS, ids=[api for api, _ in REQUESTS])
def test_mutated_bodies_are_never_an_internal_error(
    emulator: Emulator, api: str, build: Any
) -> None:
    """Any bytes: an answer below 500, and stored rows change only if the request was accepted."""
    table = emulator.make_table()
    client = emulator.client()
    client.put_row(table, ots.Row([("k", "a"), ("id", 1)], [("c", 1)]), ots.Condition("IGNORE"))
    before = stored(client, table)
    body = build(table).SerializeToString()
    dice = random.Random(f"{api}-1")
    for _ in range(150):
        changed = bytearray(body)
        for _ in range(dice.randint(1, 4)):
            position = dice.randrange(len(changed))
            match dice.randrange(3):
                case 0:
                    changed[position] = dice.randrange(256)
                case 1:
                    del changed[position : position + dice.randint(1, 4)]
                case 2:
                    changed[position:position] = dice.randbytes(dice.randint(1, 4))
            if not changed:
                break
        answer = emulator.send(api, bytes(changed))
        assert answer.status < 500, changed.hex()
        if answer.status != 200:
            assert answer.error[1].startswith("OTS")
            assert stored(client, table) == before
        before = stored(client, table)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    api=st.sampled_from(["PutRow", "BatchWriteRow", "CreateTable", "GetRange", "BulkImport"]),
    body=st.binary(max_size=200),
)
def test_random_bodies_are_refused(emulator: Emulator, api: str, body: bytes) -> None:
    """Bytes that were never a request change nothing and are a client's error."""
    answer = emulator.send(api, body)
    assert answer.status == 400
