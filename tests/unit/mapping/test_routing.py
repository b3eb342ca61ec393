"""Tables of records: by topic, by field, by header, by a step; each table has its own rules."""

from typing import Any

import pytest

from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.mapping.row_mapper import RowMapper
from connectors.records import Chunk, PlainMessage, Record, RecordChunk
from connectors.run.context import Run
from connectors.settings import Settings
from connectors.steps import topics_tables
from connectors.tablestore.row_encoder import RowEncoder
from connectors.tablestore.timeseries.protobuf import PointEncoder
from tests.unit.factories import CANARY, dead_in, message_chunk, rows_in, settings
from tests.unit.mapping.wire_reader import read_wire

BY_ID = {"primary_key_mode": "record_value", "primary_key": [{"name": "id", "type": "integer"}]}
FIELD = {"route_field": "to.table", "route_tables": ["a", "b"]}
HEADER = {"route_header": "table", "route_tables": ["a", "b"]}


def went(made: Settings, *records: Record, topic: str = "orders", **more: Any) -> dict[int, str]:
    """By offset, the table of the row, or the code of the rejection."""
    mapper = RowMapper(made, RowEncoder(), **more)
    out = mapper.map_chunk(RecordChunk(topic, 0, list(records), []))
    rows = rows_in(batch for _, batch in out)
    dead = dead_in(batch for _, batch in out)
    for dead_letter in dead:
        assert CANARY not in dead_letter.reason
    assert len(rows) + len(dead) == len(records)
    return {row.offset: row.table for row in rows} | {each.offset: each.code for each in dead}


def with_value(value: Any, offset: int = 0, headers: Any = (), table: str | None = None) -> Record:
    """A record at an offset."""
    message = PlainMessage("orders", 0, offset, headers=headers)
    return Record(message, value, None, "upsert", table)


@pytest.mark.parametrize(
    ("value", "missing", "expected"),
    [
        ({"to": {"table": "a"}}, "topic", "a"),
        ({"to.table": "b", "to": {"table": "a"}}, "topic", "b"),
        ({"to": {"table": None}}, "topic", "orders"),
        ({"to": 5}, "topic", "orders"),
        ({}, "topic", "orders"),
        ({}, "reject", "route_missing"),
        (None, "reject", "route_missing"),
        ({"to": {"table": CANARY}}, "topic", "route_unknown"),
        ({"to": {"table": "orders"}}, "topic", "route_unknown"),
        ({"to": {"table": 5}}, "topic", "route_unknown"),
        ({"to": {"table": ["a"]}}, "topic", "route_unknown"),
    ],
)
def test_by_field(value: Any, missing: str, expected: str) -> None:
    """The name of a listed table, or what route_missing says; any other name is a rejection."""
    rules = {"column_names": "rewrite"}  # a name with a dot is no column's
    made = settings(table=rules, mapping={**FIELD, "route_missing": missing})
    assert went(made, with_value(value)) == {0: expected}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("table", b"a")], "a"),
        ([("table", b"a"), ("table", b"b")], "b"),
        ([("table", None)], "orders"),
        ([("other", b"a")], "orders"),
        ([("table", b"\xff")], "route_unknown"),
        ([("table", CANARY.encode())], "route_unknown"),
        ([("table", b"")], "route_unknown"),
    ],
)
def test_by_header(headers: Any, expected: str) -> None:
    """The last header of the name counts, as in Kafka Connect."""
    assert went(settings(mapping=HEADER), with_value({"x": 1}, 0, headers)) == {0: expected}


def test_each_table_has_its_rules_and_its_shards() -> None:
    """Neighbours go different ways; a key's shard is that of its table, however it got there."""
    made = settings(
        tables={"a": BY_ID, "b": {**BY_ID, "columns": [{"name": "x", "type": "string"}]}},
        mapping=FIELD,
    )
    records = [
        with_value({"id": n, "x": n, "to": {"table": "ab"[n % 2]} if n % 3 else {}}, n)
        for n in range(60)
    ]
    mapper = RowMapper(made, RowEncoder())
    out = mapper.map_chunk(RecordChunk("orders", 0, records, []))
    straight = settings(mapping={"topics": {"orders": "a"}}, tables={"a": BY_ID})
    other = RowMapper(straight, RowEncoder()).map_chunk(RecordChunk("orders", 0, records, []))
    shard_of = {row.identity: shard for shard, batch in other for row in rows_in([batch])}
    for shard, batch in out:
        for row in rows_in([batch]):
            assert row.table == ("ab"[row.offset % 2] if row.offset % 3 else "orders")
            cells = read_wire(row.wire)
            assert list(cells.key) == (
                ["id"] if row.table != "orders" else ["topic_partition", "offset"]
            )
            assert cells.columns["x"] == (str(row.offset) if row.table == "b" else row.offset)
            if row.table == "a":
                assert shard == shard_of[row.identity]


def test_a_step_names_the_table() -> None:
    """One that a topic has or that is on route_tables; it wins over field and topic."""
    made = settings(kafka={"topics": ["orders", "others"]}, mapping={"route_tables": ["a"]})
    for table, expected in (
        ("a", "a"),
        ("others", "others"),
        ("orders", "orders"),
        (None, "orders"),
        (CANARY, "table_unknown"),
        ("", "table_unknown"),
    ):
        assert went(made, with_value({"x": 1}, table=table)) == {0: expected}
    routed = with_value({"to": {"table": "b"}}, table="a")
    assert went(settings(mapping=FIELD), routed) == {0: "a"}
    assert went(settings(), with_value({}, table="of_origin"), tables=["of_origin"]) == {
        0: "of_origin"
    }


def test_a_topic_whose_name_is_no_table_can_be_routed() -> None:
    """Found by a pattern: its records go where they say, the others are rejected."""
    made = settings(kafka={"topics_pattern": ".*"}, mapping=FIELD)
    records = (with_value({"to": {"table": "a"}}), with_value({}, 1), with_value({}, 2, (), "b"))
    assert went(made, *records, topic="no.table") == {0: "a", 1: "table_name", 2: "b"}


def test_time_series_tables_are_routed_to() -> None:
    """Records are routed to time series tables beside wide-column tables."""
    series = {"mode": "timeseries", "timeseries": {"tags": ["id"], "time_field": "at"}}
    made = settings(mapping=FIELD, tables={"b": series})
    records = [
        with_value({"id": "i", "at": 1, "x": 1, "to": {"table": name}}, number)
        for number, name in enumerate("abab")
    ]
    assert went(made, *records, points=PointEncoder()) == {0: "a", 1: "b", 2: "a", 3: "b"}


def test_undecoded_chunks_are_routed() -> None:
    """The fast path is not taken where each record names its table."""
    made = settings(mapping=FIELD)
    values: list[bytes | None] = [b'{"to":{"table":"%s"}}' % name for name in (b"a", b"b", b"c")]
    chunk = ChunkDecoder(made).decode_chunk(message_chunk([*values, b"{"]))
    out = RowMapper(made, RowEncoder()).map_chunk(chunk)
    assert [row.table for row in rows_in(batch for _, batch in out)] == ["a", "b"]
    assert sorted(dead_letter.stage for dead_letter in dead_in(b for _, b in out)) == [
        "decode",
        "map",
    ]


def test_keys_are_decoded_for_the_tables_that_need_them() -> None:
    """Also when only a routed table has its key in the record's key."""
    keyed = {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
    made = settings(mapping=HEADER, tables={"b": keyed})
    message = PlainMessage("orders", 0, 0, key=b'"k"', value=b"{}", headers=[("table", b"b")])
    chunk = ChunkDecoder(made).decode_chunk(Chunk("orders", 0, [message]))
    (row,) = rows_in(batch for _, batch in RowMapper(made, RowEncoder()).map_chunk(chunk))
    assert (row.table, read_wire(row.wire).key) == ("b", {"id": "k"})


def test_routed_tables_are_made_sure_of_at_the_start() -> None:
    """Each once, and with a pattern too; topics have none where each record names its own."""

    def tables(**sections: Any) -> list[str]:
        return topics_tables(Run("sync", settings(**sections), None))

    both = {"topics": ["orders", "others"]}
    assert tables(kafka=both, mapping=FIELD) == ["orders", "others", "a", "b"]
    assert tables(kafka=both, mapping={**FIELD, "route_missing": "reject"}) == ["a", "b"]
    assert tables(kafka=both, mapping={"table_name": "one"}) == ["one"]
    assert tables(kafka={"topics_pattern": ".*"}, mapping=FIELD) == ["a", "b"]
    made = settings(mapping={**FIELD, "topics": {"orders": "a"}}, tables={"b": {}, "c": {}})
    assert made.without_effect() == ["tables.c"]


def test_topics_that_no_table_is_named_after() -> None:
    """Are refused at the start, unless every record names its table itself."""
    with pytest.raises(ValueError, match=r"'no\.table'.*\[mapping\.topics\].*\[mapping\]"):
        settings(kafka={"topics": ["no.table"]}, mapping=FIELD)
    settings(kafka={"topics": ["no.table"]}, mapping={**FIELD, "route_missing": "reject"})
    with pytest.raises(ValueError, match="at most 128 characters"):
        settings(
            mapping={"route_field": "x", "route_tables": ["t" * 129]},
            tables={"t" * 129: {"mode": "timeseries"}},
        )
    dead = {"errors": {"dead_letters": "tablestore"}, "dead_letters": {"table": "a"}}
    with pytest.raises(ValueError, match=r"mapping\.route_tables"):
        settings(mapping=FIELD, **dead)


@pytest.mark.parametrize(
    ("images", "change", "value", "expected"),
    [
        ("partial", "delete", {"id": 1}, "route_missing"),
        ("partial", "delete", {"id": 1, "to": {"table": None}}, "route_missing"),
        ("partial", "delete", {"id": 1, "to": {"table": "a"}}, "a"),
        ("partial", "upsert", {"id": 1, "v": 1}, "orders"),
        ("whole", "delete", {"id": 1}, "orders"),
    ],
)
def test_a_partial_image_does_not_name_the_table(
    images: str, change: Any, value: Any, expected: str
) -> None:
    """A delete without the field is no delete of a row of the topic's table."""
    made = settings(
        table={**BY_ID, "delete_mode": "row", "nested": "flatten"},
        mapping=FIELD,
        transforms=[{"type": "debezium", "before_images": images}],
    )
    record = Record(PlainMessage("orders", 0, 0), value, None, change)
    assert went(made, record) == {0: expected}
