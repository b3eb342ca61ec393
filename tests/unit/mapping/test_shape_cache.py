"""Rows do not depend on what came before: compiled, remembered or fresh, the bytes are the same."""

import random
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.mapping.encoder import Encoded
from connectors.mapping.row_mapper import RowMapper
from connectors.mapping.shape_cache import ShapeCache
from connectors.records import DeadLetter, RecordChunk, Row
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import dead_in, record, record_chunk
from tests.unit.mapping.wire_reader import Mapped, by_offset

LISTED = [
    {"name": "a", "type": "string"},
    {"name": "b", "type": "double"},
    {"name": "c", "type": "integer"},
]
TABLES: dict[str, dict[str, Any]] = {
    "kafka": {},
    "kafka listed": {"columns": LISTED},
    "record_key": {"primary_key_mode": "record_key", "primary_key": [{"name": "k"}]},
    "record_key listed": {
        "primary_key_mode": "record_key",
        "primary_key": [{"name": "k", "type": "integer"}],
        "columns": LISTED,
    },
    "record_value": {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "k"}, {"name": "a"}],
    },
    "record_value listed": {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "k", "type": "binary"}],
        "columns": LISTED,
    },
}
RULES: dict[str, Settings] = {
    name: factories.settings(table=table) for name, table in TABLES.items()
}


def result(mapper: RowMapper, value: Any, key: Any) -> tuple[bytes, bytes] | None:
    """The bytes of a row; None for a rejection (of several reasons any may be given)."""
    made = mapper.map_chunk(RecordChunk("orders", 0, [record(value, key, offset=3)], []))
    rows = by_offset(made)
    if rows:
        return rows[0].identity, rows[0].wire
    assert len(dead_in(batch for _, batch in made)) == 1
    return None


scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 5, 2**53, 2**53 + 1, 2**63 - 1, 2**63])
    | st.sampled_from([0.0, -0.0, 1.5, 2.0, float("nan"), 1e308])
    | st.sampled_from(["", "a", "5", "1.5", "true", "YQ==", "é", "a" * 1025, "\ud800"])
    | st.sampled_from([b"", b"a", bytearray(b"a"), [], [1], {}, {"x": None}, (1,), 1j])
)
objects = st.dictionaries(st.sampled_from(["a", "b", "c", "k", "offset", "a-b"]), scalars)


@pytest.mark.parametrize("rules", RULES)
@given(st.lists(st.tuples(objects, scalars), min_size=1, max_size=6))
@settings(max_examples=50)
def test_a_row_does_not_depend_on_the_rows_before(rules: str, records: list[Any]) -> None:
    """Each record gives the same bytes or the same rejection at any time, in any company."""
    used = RowMapper(RULES[rules], RowEncoder())
    for _ in range(3):
        for value, key in records:
            fresh = RowMapper(RULES[rules], RowEncoder())
            assert result(used, value, key) == result(fresh, value, key)


@pytest.mark.parametrize("rules", RULES)
def test_remembered_values_do_not_change_rows(rules: str) -> None:
    """Over thousands of rows of few, then ever new, then few values the bytes stay right.

    That is long enough for the encoder to begin and to stop remembering values.
    """
    chance = random.Random(7)
    used = Mapped(RULES[rules])
    for number in range(9_000):
        few = 3_000 <= number < 6_000
        text = chance.choice(["red", "green", "é"]) if few else f"text {number}"
        value = {"k": "YQ==", "a": text, "b": number / 2, "c": number}
        if number % 997:
            used.outcome(value, key=number)
        else:
            fresh = Mapped(RULES[rules])
            assert used.outcome(value, key=number) == fresh.outcome(value, key=number)


class Counted:
    """The real encoder, counting what is compiled."""

    error = RowEncoder.error
    generated = RowEncoder.generated

    def __init__(self) -> None:
        self.compiled: list[list[str]] = []
        self.plain = 0
        self._encoder = RowEncoder()
        self.by_shard = self._encoder.by_shard

    def compile_row(
        self,
        kind: Any,
        primary_key: Any,
        columns: Any,
        deleted: Any = (),
        *,
        versioned: Any = False,
    ) -> Any:
        """Compile."""
        self.compiled.append([name for name, _ in columns])
        return self._encoder.compile_row(kind, primary_key, columns, deleted, versioned=versioned)

    def row(self, *arguments: Any) -> Encoded:
        """Encode without compiling."""
        self.plain += 1
        return self._encoder.row(*arguments)


def test_a_shape_is_compiled_once_when_it_comes_again() -> None:
    """The first record of a shape is not worth a compilation; from the second on one serves all."""
    encoder = Counted()
    mapper = RowMapper(factories.settings(), encoder)
    mapper.map_chunk(record_chunk([{"a": 1}]))
    assert (encoder.compiled, encoder.plain) == ([], 1)
    mapper.map_chunk(record_chunk([{"a": number} for number in range(100)]))
    assert (encoder.compiled, encoder.plain) == ([["a"]], 1)
    mapper.map_chunk(record_chunk([{"a": "x"}, {"a": "y"}, {"a": "z"}, {"a": 1}]))
    assert (encoder.compiled, encoder.plain) == ([["a"], ["a"]], 2)


def test_ever_new_names_do_not_compile() -> None:
    """A stream whose every record has other names costs no compilation at all."""
    encoder = Counted()
    mapper = RowMapper(factories.settings(), encoder)
    mapper.map_chunk(record_chunk([{f"c{number}": 1} for number in range(5000)]))
    assert (len(encoder.compiled), encoder.plain) == (0, 5000)


def test_compiled_shapes_are_bounded() -> None:
    """However many shapes recur, a bounded number is kept, and all rows are right."""
    encoder = Counted()
    mapper = RowMapper(factories.settings(), encoder)
    shapes = ShapeCache.MAX_SHAPES + 40
    values = [{f"c{number}": number} for number in range(shapes)]
    made: list[Row] = []
    for _ in range(3):
        made = by_offset(mapper.map_chunk(record_chunk(values)))
        assert len(made) == shapes
    assert len(encoder.compiled) == ShapeCache.MAX_SHAPES
    last = Mapped(factories.settings()).chunk(*values)
    assert [row.wire for row in made] == [row.wire for row in last]


def test_partitions_share_what_is_compiled() -> None:
    """The plans of a table serve all its partitions: memory must not grow with their number."""
    encoder = Counted()
    rules = factories.settings(
        table={"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
    )
    mapper = RowMapper(rules, encoder)
    for partition in range(20):
        mapper.map_chunk(record_chunk([{"id": "x", "a": 1}] * 3, partition=partition))
    assert len(encoder.compiled) == 1


@pytest.mark.parametrize("names", ["illegal and long", "too many"])
def test_rejected_shapes_fill_no_memory(names: str) -> None:
    """Records that are rejected for their names leave next to nothing behind."""
    mapper = RowMapper(factories.settings(), RowEncoder())
    tracemalloc.start()
    for number in range(60):
        if names == "too many":
            value = dict.fromkeys((f"c{number}_{column}" for column in range(2000)), 1)
        else:
            value = {f"{number} is no name, and long: {'x' * 100_000}": 1}
        ((_, (rows, dead)),) = mapper.map_chunk(record_chunk([value]))
        assert (len(rows), len(dead)) == (0, 1)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 2_000_000


def test_shapes_of_other_types_are_rejected_each_time() -> None:
    """A rejected shape is not remembered as a good one, nor the other way round."""
    mapped = Mapped(factories.settings())
    for _ in range(4):
        assert isinstance(mapped.outcome({"a": 1j}), DeadLetter)
        assert not isinstance(mapped.outcome({"a": 1}), DeadLetter)
