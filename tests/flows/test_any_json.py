"""Any JSON value becomes a row that the local Tablestore takes, or a rejection with a reason.

20,000 values, or as many as `CORPUS_JSON_VALUES` says: the long lane is a million,

    CORPUS_JSON_VALUES=1000000 python -m pytest tests/flows/test_any_json.py
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Chunk, DeadLetter, PlainMessage, Row
from connectors.settings import Settings
from connectors.tablestore.requests import batch_body
from connectors.tablestore.row_encoder import RowEncoder
from connectors.transforms.pipeline import pipeline
from emulator.wire import messages_pb2 as wire
from tests.emulator.harness import Emulator, running
from tests.support.any_json import AnyJson
from tests.support.lanes import note
from tests.support.transforms import transformed
from tests.unit import factories

pytestmark = pytest.mark.emulator
VALUES = int(os.environ.get("CORPUS_JSON_VALUES", "20000"))
SEED = int(os.environ.get("CORPUS_JSON_SEED", "5"))
KAFKA = (("topic_partition", "STRING"), ("offset", "INTEGER"))
LISTED = [
    {"name": "a", "type": "string"},
    {"name": "b", "type": "integer"},
    {"name": "c", "type": "double"},
    {"name": "d", "type": "boolean"},
    {"name": "x", "type": "binary"},
]
BY_ID: dict[str, Any] = {
    "primary_key_mode": "record_value",
    "primary_key": [{"name": "id"}],
}
# Each with the key of its table.
CONFIGURATIONS: dict[str, tuple[dict[str, Any], tuple[tuple[str, str], ...]]] = {
    "all columns": ({}, KAFKA),
    "listed columns": ({"table": {"columns": LISTED}}, KAFKA),
    "key in the value": ({"table": BY_ID}, (("id", "STRING"),)),
    "plain or whole key": (
        {"table": {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}},
        (("id", "STRING"),),
    ),
    "binary key": (
        {
            "table": {
                "primary_key_mode": "record_key",
                "primary_key": [{"name": "k", "type": "binary"}],
                "columns": LISTED,
            }
        },
        (("k", "BINARY"),),
    ),
    "transforms": (
        {
            "transforms": [
                {"type": "rename", "fields": {"a": "z", "b.c": "q"}},
                {"type": "cast", "fields": {"c": "integer", "d": "double", "i": "string"}},
                {"type": "insert", "fields": {"at": "offset"}, "replace": True},
                {"type": "flatten"},
                {"type": "filter", "drop": {"field": "x", "matches": "x+"}},
            ]
        },
        KAFKA,
    ),
    "debezium": (
        {
            "transforms": [
                {"type": "debezium", "when": {"field": "op", "is_null": False}},
                {"type": "filter", "drop": {"field": "s", "above": 5}},
            ]
        },
        KAFKA,
    ),
    "flattened and rewritten": (
        {
            "table": {
                "nested": "flatten",
                "column_names": "rewrite",
                "key_fields": "fill",
                "binary_text": "hex",
            }
        },
        KAFKA,
    ),
    "the connector's": (
        {"table": {"conversions": "connector", "key_fields": "override", "decimals": "double"}},
        KAFKA,
    ),
    "the connector's, listed": (
        {"table": {"conversions": "connector", "columns": LISTED, "times": "iso8601"}},
        KAFKA,
    ),
    "connect json, by choice": (
        {
            "format": {"value": "connect_json", "key": "connect_json"},
            "table": {"nested": "flatten", "column_names": "rewrite", "times": "iso8601"},
        },
        KAFKA,
    ),
    "updates and deletes": (
        {
            "table": {
                "primary_key_mode": "record_key",
                "primary_key": [{"name": "id"}],
                "insert_mode": "update",
                "delete_mode": "row_and_column",
            }
        },
        (("id", "STRING"),),
    ),
    "search": (
        {"table": {"primary_key_mode": "search", "search_timestamp": "local"}},
        (
            ("md5", "STRING"),
            ("topic", "STRING"),
            ("partition", "INTEGER"),
            ("offset", "INTEGER"),
        ),
    ),
    "connect json": ({"format": {"value": "connect_json", "key": "connect_json"}}, KAFKA),
}
# Codes that stand for "something unforeseen was raised".
UNFORESEEN = {"step_failed", "format_failed", "map_failed", "value_decode_failed"}


class Flow:
    """What a run does with a chunk, up to the bytes of the rows."""

    def __init__(self, made: Settings) -> None:
        self._decoder = ChunkDecoder(made)
        self._transform = pipeline(made)
        self._mapper = RowMapper(made, RowEncoder())

    def settle(self, chunk: Chunk) -> tuple[list[Row], list[DeadLetter]]:
        """The rows and dead letters of a chunk; anything else that is raised fails the test."""
        records = transformed(self._transform, self._decoder.decode_chunk(chunk))
        rows: list[Row] = []
        dead: list[DeadLetter] = []
        for _, (segments, dead_letters) in self._mapper.map_chunk(records):
            rows += [row for segment in segments for row in segment.rows()]
            dead += dead_letters
        return rows, dead


def chunks(name: str, values: AnyJson, count: int) -> Iterator[Chunk]:
    """Messages of any JSON, in chunks."""
    envelope = name.startswith("connect json")
    event = name == "debezium"

    def bytes_of() -> bytes:
        found = values.document()
        if envelope:
            return b'{"schema":%b,"payload":%b}' % (
                values.document() if len(found) % 3 == 0 else b"null",
                found,
            )
        return b'{"op":"c","after":%b}' % found if event and len(found) % 2 else found

    for first in range(0, count, 200):
        numbers = range(first, min(first + 200, count))
        messages = [
            PlainMessage("t", 0, number, key=bytes_of(), value=bytes_of()) for number in numbers
        ]
        yield Chunk("t", 0, messages)


def write(server: Emulator, table: str, rows: list[Row]) -> None:
    """All rows, in requests without a key twice; each must be taken."""
    request: dict[bytes, Row] = {}
    size = 0
    for row in [*rows, None]:
        full = row is None or row.identity in request or size + len(row.wire) > 3_900_000
        if request and (full or len(request) == 200):
            _send(server, table, list(request.values()))
            request, size = {}, 0
        if row is not None:
            request[row.identity] = row
            size += len(row.wire)


def _send(server: Emulator, table: str, rows: list[Row]) -> None:
    body = batch_body([(table, [row.wire for row in rows])])
    answer = server.send("BatchWriteRow", wire.BatchWriteRowRequest.FromString(bytes(body)))
    assert answer.status == 200, (answer.error, [row.wire for row in rows][:3])
    found = wire.BatchWriteRowResponse.FromString(answer.body)
    assert len(found.tables[0].rows) == len(rows)
    wrong = [
        (one.error, row.wire[:300])
        for one, row in zip(found.tables[0].rows, rows, strict=True)
        if not one.is_ok
    ]
    assert not wrong


@pytest.mark.timeout(3600)
def test_any_json_is_a_row_or_a_rejection(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In every configuration: nothing is raised, nothing is lost, no row is refused."""
    data = tmp_path_factory.mktemp("any-json")
    codes: Counter[str] = Counter()
    written = 0
    with running("--data", str(data), "--duplicates", "strict") as server:
        for number, (name, (sections, key)) in enumerate(CONFIGURATIONS.items()):
            table = server.make_table(key)
            flow = Flow(factories.settings(**sections))
            count = VALUES // len(CONFIGURATIONS)
            mine = 0
            for chunk in chunks(name, AnyJson(SEED * 100 + number), count):
                rows, dead = flow.settle(chunk)
                offsets = [row.offset for row in rows] + [
                    dead_letter.offset for dead_letter in dead
                ]
                assert len(set(offsets)) == len(offsets)
                if "transforms" not in sections:  # which may drop some
                    assert len(offsets) == len(chunk.messages)
                for dead_letter in dead:
                    assert dead_letter.code, name
                    assert dead_letter.code not in UNFORESEEN, (name, dead_letter)
                    assert dead_letter.reason, dead_letter
                    assert "\n" not in dead_letter.reason, dead_letter
                    codes[dead_letter.code] += 1
                write(server, table, rows)
                mine += len(rows)
            assert mine > count // 200, f"too few rows to tell anything: {name}"
            written += mine
    note(
        request.config,
        f"any JSON: {VALUES:,} values (seed {SEED}), {written:,} rows, {codes.total():,} rejected "
        f"for {len(codes)} reasons",
    )
    assert len(codes) > 15
