"""The fast path gives what the general one gives: the same cells, shards, rejections and order.

The general one is the oracle: records one by one, by functions of one record. The fast one takes
whole chunks, again and again, so that it comes to know their fields.
"""

import json
import re
import struct
import time
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.key_modes import RowBuilder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Batch, Chunk, DecodedChunk, PlainMessage
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.chunk_step import ChunkStep
from connectors.transforms.pipeline import pipeline
from connectors.transforms.uniform import has_programs, program
from tests.unit import factories
from tests.unit.factories import dead_in, rows_in

NOW = time.time_ns() // 1_000_000
BY_KEY: dict[str, Any] = {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
BY_VALUE: dict[str, Any] = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "k"}, {"name": "n", "type": "auto_increment"}],
}
LISTED = [
    {"name": "a", "type": "string"},
    {"name": "b", "type": "double"},
    {"name": "o_x", "type": "integer"},
]
UPDATE = {**BY_KEY, "insert_mode": "update"}
FILTER = {"type": "filter", "keep": {"field": "a", "one_of": ["x", "y", 1]}}
TRANSFORMS: dict[str, list[dict[str, Any]]] = {
    "fields": [
        {"type": "rename", "fields": {"a": "c", "b": "a"}},
        {"type": "insert", "fields": {"at": "timestamp", "h": "header:h"}, "literals": {"l": 1}},
        {"type": "exclude", "fields": ["k", "absent"]},
    ],
    "casts": [
        {"type": "cast", "fields": {"a": "string", "b": "integer", "o.x": "string"}},
        {"type": "timestamp", "fields": ["ts"], "to": "text"},
        {"type": "json", "fields": ["a"], "when": {"field": "b", "above": 0}},
    ],
    "filters": [
        {"type": "filter", "drop": {"header": "h", "equals": "no"}},
        {"type": "filter", "drop": {"any": [{"field": "o.x", "equals": 1}, {"tombstone": True}]}},
        FILTER,
        {"type": "include", "fields": ["a", "b"], "when": {"field": "b", "is_null": False}},
    ],
    "deletes": [
        {"type": "delete_when", "when": {"field": "b", "equals": True}},
        {"type": "insert", "fields": {"p": "partition"}, "topics": "other"},
        {"type": "exclude", "fields": ["o"]},
    ],
}
CASES: dict[str, dict[str, Any]] = {
    "kafka": {},
    "kafka listed": {"table": {"columns": LISTED}},
    "kafka versions": {"table": {"version": "record_timestamp"}},
    "kafka version of a field": {"table": {"version": "field", "version_field": "ts"}},
    "version of a nested field": {"table": {"version": "field", "version_field": "o.x"}},
    "record_key": {"table": BY_KEY},
    "record_key rewrite": {"table": {**BY_KEY, "column_names": "rewrite"}},
    "record_key flatten": {"table": {**BY_KEY, "nested": "flatten"}},
    "record_key versions": {"table": {**BY_KEY, "version": "record_timestamp"}},
    "row": {"table": {**BY_KEY, "delete_mode": "row"}},
    "column": {"table": {**UPDATE, "delete_mode": "column"}},
    "both listed": {"table": {**UPDATE, "delete_mode": "row_and_column", "columns": LISTED}},
    "two keys": {
        "table": {
            **UPDATE,
            "primary_key": [{"name": "id"}, {"name": "no", "type": "auto_increment"}],
        }
    },
    "record_value": {"table": BY_VALUE},
    "record_value update": {"table": {**BY_VALUE, "insert_mode": "update", "columns": LISTED}},
    "search": {"table": {"primary_key_mode": "search", "search_timestamp": "kafka"}},
    "search listed": {
        "table": {
            "primary_key_mode": "search",
            "search_timestamp": "kafka",
            "columns": LISTED,
            "nested": "flatten",
        }
    },
    "flatten": {"table": {"nested": "flatten"}},
    "flatten and rewrite": {
        "table": {"nested": "flatten", "separator": ".", "column_names": "rewrite"}
    },
    "flatten versions": {
        "table": {"nested": "flatten", "version": "field", "version_field": "o.x"}
    },
    "fields": {"transforms": TRANSFORMS["fields"]},
    "casts": {"transforms": TRANSFORMS["casts"]},
    "filters": {"transforms": TRANSFORMS["filters"], "table": {"columns": LISTED}},
    "deletes": {
        "transforms": TRANSFORMS["deletes"],
        "table": {**BY_VALUE, "delete_mode": "row", "nested": "flatten"},
    },
    "keys and fields": {"transforms": TRANSFORMS["fields"], "table": BY_KEY},
}
MADE: dict[str, Settings] = {name: factories.settings(**case) for name, case in CASES.items()}

Outcome = tuple[Any, ...]
GENERATED = b"\x05\x01\x00\x00\x00\x0b"


class OneByOne(RowMapper):
    """A mapper without a fast path."""

    def _new_builder(self, topic: str, partition: int, table: str) -> RowBuilder:
        builder = super()._new_builder(topic, partition, table)
        builder.fast_path = None
        return builder


class Flow:
    """Decode, transform and map, as the flow has them or one by one."""

    def __init__(self, made: Settings, *, fast: bool) -> None:
        self._decoder = ChunkDecoder(made, keep_original=True)
        self._mapper = (RowMapper if fast else OneByOne)(made, RowEncoder(), True)
        self._fast = fast
        function = pipeline(made)
        self.filtered = 0
        self._step = None
        if function is not None:
            has = fast and has_programs(made.transforms)
            programs = partial(program, made.transforms) if has else None
            self._step = ChunkStep("transform", function, True, self._count, programs)

    def _count(self, filtered: int, added: int) -> None:
        self.filtered += filtered - added

    def outcomes(self, chunk: Chunk) -> tuple[dict[int, Outcome], list[Any]]:
        """By offset what became of each record, and the rejections in order."""
        self.filtered = 0
        decoded: DecodedChunk
        if self._fast:
            decoded = self._decoder.decode_chunk(chunk)
        else:
            decoded = self._decoder._one_by_one.one_by_one(chunk)
        if self._step is not None:
            decoded = self._step.apply(decoded)
        made: list[tuple[str, Batch]] = self._mapper.map_chunk(decoded)
        found: dict[int, Outcome] = {}
        dead: list[Any] = []
        for shard, batch in made:
            offsets = [row.offset for row in rows_in([batch])]
            assert offsets == sorted(offsets)
            for row in rows_in([batch]):
                assert row.offset not in found
                cells = read(row.wire)
                # A key that the service completes is another one each time, and so is its shard.
                place = "any" if any(GENERATED in cell for cell in cells[0]) else shard
                found[row.offset] = (place, row.table, row.operation, row.original, *cells)
            for rejected in dead_in([batch]):
                # Columns may be counted in another order.
                reason = re.sub(r"column number \d+", "column number N", rejected.reason)
                dead.append((shard, *rejected._replace(reason=reason)))
        return found, dead


def read(wire: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    """The key's cells in order, the others sorted, and what stands behind them."""
    at = wire.index(b"\x75\x00\x00\x00\x01") + 5
    keys, at = cells_at(wire, at)
    columns: list[bytes] = []
    if wire[at] == 2:
        columns, at = cells_at(wire, at + 1)
    deleted = wire[at] == 8
    at += deleted
    assert wire[at] == 9
    # The row's checksum depends on the order of its columns; the encoder's own tests have it.
    return keys, sorted(columns), b"deleted" * deleted + wire[at + 2 :]


def cells_at(wire: bytes, at: int) -> tuple[list[bytes], int]:
    """The cells that stand there, and where they end."""
    cells = []
    while wire[at] == 3:
        start = at
        (length,) = struct.unpack_from("<i", wire, at + 2)
        at += 6 + length
        if wire[at] == 5:
            (size,) = struct.unpack_from("<i", wire, at + 1)
            at += 5 + size
        at += 2 * (wire[at] == 6)
        at += 9 * (wire[at] == 7)
        assert wire[at] == 10
        at += 2
        cells.append(wire[start:at])
    return cells, at


scalars = st.sampled_from(
    ["x", "x", "y", "1", "é", 0, 1, 1, -5, 2**63, 1.5, 2.0, True, False, None, "\ud800"]
)
usual: Any = {
    "k": st.sampled_from(["p", "q"]),
    "a": st.sampled_from(["x", "y"]),
    "b": st.sampled_from([1.5, 2.25]),
    "ts": st.sampled_from([NOW, NOW + 1]),
    "o": st.fixed_dictionaries({"x": st.sampled_from([NOW, 7])}),
}
nested = st.sampled_from(["x", 1, None, 1.5, True])
odd: Any = {
    **dict.fromkeys(("k", "a", "b", "n", "o_x", "a-b", "id", "timestamp", "offset"), scalars),
    "ts": scalars | st.just(NOW - 10**15),
    "o": scalars
    | st.dictionaries(
        st.sampled_from(["x", "y", "z"]), nested | st.just({}) | st.just({"x": 1}), max_size=3
    ),
}
# At most one field that is odd: of several faults of a record, the first one is reported, and the
# order of the fields may be another one.
one_odd = st.sampled_from([*odd]).flatmap(lambda name: st.tuples(st.just(name), odd[name]))
USUAL = st.fixed_dictionaries(usual)
values = (
    USUAL
    | USUAL
    | st.builds(
        lambda value, other: {**value, other[0]: other[1]}, st.fixed_dictionaries(usual), one_odd
    )
    | st.fixed_dictionaries({}, optional=usual)
    | one_odd.map(lambda other: {other[0]: other[1]})
)
documents = values.map(lambda value: json.dumps(value).encode()) | st.sampled_from(
    [None, None, b"{", b"[]", b"5", b'{"schema":{},"payload":1}', b'{"a":"\xff"}', b"null"]
)
keys = st.sampled_from(
    [
        *(b'"i"', b'"i"', b'"j"', b"5", b"1.5", b"null", b"[]", None, b"{"),
        *(b'{"id":"i"}', b'{"id":"i","no":4}', b'{"i-d":1}', b'{"id":null}', b'{"no":1}'),
        *(b'{"o":{"id":"i"},"id":"j"}', b'{"schema":{"type":"string"},"payload":"i"}'),
    ]
)
messages = st.tuples(st.just(b'"i"') | keys, documents, st.sampled_from([NOW, NOW, 0, 1]))


def chunk_of(given_messages: list[Any], first: int) -> Chunk:
    """The messages at offsets from `first` on."""
    return Chunk(
        "orders",
        3,
        [
            PlainMessage(
                "orders",
                3,
                first + number,
                key=key,
                value=value,
                timestamp=at,
                headers=[("h", b"no" if number % 5 == 4 else b"yes")] if number % 3 else [],
            )
            for number, (key, value, at) in enumerate(given_messages)
        ],
    )


def test_an_empty_object_is_flattened_to_itself() -> None:
    """Where objects may be absent too: it is text, and neither absent nor null."""
    documents = [b'{"a":"x","o":{"x":1}}', b'{"a":"x","o":{}}', b'{"a":"x","o":null}', b'{"a":"x"}']
    some = [(b'"i"', document, NOW) for document in documents]
    made = MADE["flatten"]
    fast, general = Flow(made, fast=True), Flow(made, fast=False)
    for again in range(4):
        chunk = chunk_of(some, 100 * again)
        assert fast.outcomes(chunk) == general.outcomes(chunk)


@pytest.mark.parametrize("case", MADE)
@given(st.lists(messages, min_size=1, max_size=8))
@settings(max_examples=20, deadline=None)
def test_whole_chunks_are_as_records_one_by_one(case: str, some: list[Any]) -> None:
    """Of usual, odd and bad records, in every mode, at first and at later sight."""
    made = MADE[case]
    fast, general = Flow(made, fast=True), Flow(made, fast=False)
    for again in range(3):
        chunk = chunk_of(some, again * 100)
        assert fast.outcomes(chunk) == general.outcomes(chunk)
        assert fast.filtered == general.filtered


# A condition under which fields go takes a look at the records of which it holds.
@pytest.mark.parametrize("case", [case for case in MADE if case != "filters"])
def test_usual_records_take_the_fast_path(case: str) -> None:
    """Behind the first chunks, no record of the usual kind is looked at by itself."""
    looked_at: list[Any] = []

    class Noting(RowMapper):
        def _add(self, *arguments: Any) -> None:
            looked_at.append(arguments[1])
            super()._add(*arguments)

    made = MADE[case]
    flow = Flow(made, fast=True)
    flow._mapper = Noting(made, RowEncoder(), True)
    value = {"k": "p", "a": "1", "b": 2.0, "ts": NOW, "o": {"x": NOW}}
    whole = json.dumps(value).encode()
    null = json.dumps({**value, "b": None}).encode()
    key = b'{"id":"i","no":1}'
    for number in range(5):
        looked_at.clear()
        some = [(key, null if at == 3 else whole, NOW) for at in range(10)]
        found, dead = flow.outcomes(chunk_of(some, 100 * number))
        assert len(found) + flow.filtered == 10
        assert not dead
    assert looked_at == []
