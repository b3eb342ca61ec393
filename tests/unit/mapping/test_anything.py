"""Whatever a record holds becomes a row or a rejection: no other exception leaves the mapping."""

import array
import datetime
import decimal
import enum
import json
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats import json as json_format
from connectors.mapping.row_mapper import RowMapper
from connectors.records import RecordChunk
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import dead_in, record, row, rows_in
from tests.unit.mapping.test_shape_cache import RULES
from tests.unit.mapping.wire_reader import read_wire

names = st.text(max_size=5) | st.sampled_from(["a", "b", "c", "k", "id", "offset", "A" * 256])
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


class Text(str, enum.Enum):
    """Texts in disguise."""

    A = "a"


class Strange:
    """An object that does not even say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


class Undecided:
    """As an array of numpy: it cannot be compared, and has no truth."""

    __hash__ = object.__hash__

    def __eq__(self, _: object) -> bool:
        raise ValueError("ambiguous")

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")


PYTHON_VALUES: list[Any] = [
    decimal.Decimal("1.5"),
    decimal.Decimal("NaN"),
    datetime.datetime(2026, 1, 1),  # noqa: DTZ001 - what users do
    datetime.date(2026, 1, 1),
    datetime.timedelta(1),
    uuid.UUID(int=1),
    b"bytes",
    bytearray(b"bytes"),
    memoryview(b"bytes"),
    memoryview(array.array("I", [1, 2])),
    array.array("I", [1, 2]),
    array.array("b", [1, 2]),
    {1, 2},
    frozenset(),
    1j,
    range(3),
    Text.A,
    enum.IntEnum("E", "A"),
    float("nan"),
    float("-inf"),
    "\ud800",
    "x\x00y",
    object(),
    Strange(),
    lambda: None,
    Exception("x"),
    int,
    NotImplemented,
    ...,
    iter([]),
    {"nested": Strange()},
    [decimal.Decimal(1), {1}],
    {("a",): 1},
    {1: {2: 3}},
    {"\ud800": 1},
    [10**5000],
]


def hashable(value: Any) -> bool:
    """Whether it can be a field's name at all."""
    try:
        hash(value)
    except (TypeError, ValueError):
        return False
    return True


def settle(mapper: RowMapper, value: Any, key: Any) -> None:
    """One record is one row that can be read, or one dead letter."""
    made = mapper.map_chunk(RecordChunk("orders", 0, [record(value, key)], []))
    rows = rows_in(batch for _, batch in made)
    dead = dead_in(batch for _, batch in made)
    assert len(rows) + len(dead) == 1
    for found in rows:
        cells = read_wire(found.wire)
        assert cells.key
        assert len(cells.columns) <= 1024
    for dead_letter in dead:
        assert dead_letter.code
        assert dead_letter.reason
        assert "\n" not in dead_letter.reason, "one line of the log"


@pytest.mark.parametrize("rules", RULES)
@given(st.dictionaries(names, json_values, max_size=5) | json_values, json_values)
@settings(max_examples=50)
def test_any_json_is_a_row_or_a_rejection(rules: str, value: Any, key: Any) -> None:
    """Every JSON document, as value and as key, in every key mode, at first and later sight."""
    mapper = RowMapper(RULES[rules], RowEncoder())
    for _ in range(3):
        settle(mapper, value, key)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("number", range(len(PYTHON_VALUES)))
def test_any_python_value_is_a_row_or_a_rejection(rules: str, number: int) -> None:
    """What user steps put into records: as a field, as a name, as the value, as the key.

    At first, and after the encoder has come to expect each of the usual types there.
    """
    strange = PYTHON_VALUES[number]
    for usual in ("x", 1, 1.5, True, b"x", None, [1]):
        mapper = RowMapper(RULES[rules], RowEncoder())
        for _ in range(2):
            settle(mapper, {"k": "x", "a": usual}, "x")
        for value, key in (
            ({"k": "x", "a": strange}, "x"),
            ({"k": strange, "a": usual}, "x"),
            (strange, "x"),
            ({"k": "x", "a": usual}, strange),
            ({"k": "x", "a": usual}, {"k": strange}),
        ):
            settle(mapper, value, key)
            settle(mapper, {"k": "x", "a": usual}, "x")
        if hashable(strange):
            settle(mapper, {strange: 1}, "x")


@pytest.mark.parametrize("rules", RULES)
def test_values_that_cannot_be_compared(rules: str) -> None:
    """An array in a field, also in one named like a key column, is a rejection like others."""
    mapper = RowMapper(RULES[rules], RowEncoder())
    for value in ({"k": Undecided(), "a": 1}, {"k": "x", "a": Undecided()}):
        for _ in range(3):
            settle(mapper, value, "x")
            settle(mapper, {"k": "x", "a": 1}, "x")


@pytest.mark.parametrize("rules", RULES)
def test_huge_integers_of_user_steps(rules: str) -> None:
    """An integer too long for Python's own text conversion is a rejection like others."""
    for number in (10**5000, -(10**5000)):
        mapper = RowMapper(RULES[rules], RowEncoder())
        for value, key in (({"k": "x", "a": number}, "x"), ({"k": number}, "x"), ({}, number)):
            for _ in range(3):
                settle(mapper, value, key)


@given(st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_end_as_a_row_or_a_rejection(data: bytes) -> None:
    """Through the decoder and the mapping."""
    try:
        value = json_format.decode(data)
    except Rejection:
        return
    settle(RowMapper(factories.settings(), RowEncoder()), value, None)


def test_a_record_at_the_edge_of_the_stack() -> None:
    """The deepest value that can be decoded can also be mapped or is rejected, at any depth."""
    mapper = RowMapper(factories.settings(), RowEncoder())
    for depth in range(50, 1100, 50):
        try:
            value = json_format.decode(b'{"a":' + b"[" * depth + b"]" * depth + b"}")
        except Rejection:
            continue
        settle(mapper, value, None)


def test_the_reader_of_these_tests_sees_damage() -> None:
    """The reader does not pass over bytes that are no row."""
    with pytest.raises((AssertionError, IndexError)):
        read_wire(row("k").wire)
