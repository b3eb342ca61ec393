"""Any value under any rules of columns becomes a row that the encoder takes, or a rejection."""

import datetime
import decimal
import random
import string
import uuid
from typing import Any

from connectors.mapping.row_mapper import RowMapper
from connectors.records import PlainMessage, Record, RecordChunk
from connectors.settings import Settings
from connectors.tablestore.row_encoder import RowEncoder
from tests.unit import factories
from tests.unit.factories import dead_in, rows_in
from tests.unit.mapping.wire_reader import read_wire

INPUTS = 20_000
NAMES = ("a", "b", "a_b", "a-b", "a.b", "1a", "_1a", "id", "k", "", "é", "key", "value", "n" * 140)
TYPES = ("string", "integer", "double", "boolean", "binary")
LIMIT = 2**63
# What JSON has, and then what formats with schemas and users' steps add to that.
JSON_LEAVES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**53 + 1, LIMIT - 1, LIMIT, -LIMIT - 1, 10**30, 10**5000),
    *(0.0, -0.0, 0.5, 1.0, 1e-7, 1e10, 1e22, 1e300, 5e-324, 0.1, 123456789.125),
    *("", "a", "12", "1e3", "1.5", " 12 ", "true", "AQ==", "ff", "\0", "é", "x" * 1100, "9" * 30),
    *("0.10000000000000000001", "1e999", "1e-999", "-0", "9223372036854775808"),
)
OTHER_LEAVES: tuple[Any, ...] = (
    *(float("nan"), float("inf"), "\ud800", b"", b"ab", b"\xff", bytearray(b"x")),
    *(decimal.Decimal(d) for d in ("1.5", "-0.00", "NaN", "Infinity", "1E+999999", "1E-999999")),
    *(decimal.Decimal(d) for d in ("12.3450", "0.1234567890123456789", "9" * 30, "1E+400")),
    datetime.datetime(2026, 1, 31, 8, 0, 0, 1, datetime.timezone.utc),
    datetime.datetime(1, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=3))),
    datetime.datetime(2026, 1, 31, 8),  # noqa: DTZ001 - Avro's local timestamps
    *(datetime.date(1969, 12, 31), datetime.time(8), datetime.time(8, 0, 0, 1)),
    *(datetime.timedelta(days=-1, microseconds=1), datetime.timedelta.max, uuid.UUID(int=1)),
    *({1, 2}, 1j, object(), {1: 2, "1": 3}, {(1,): 2}, {1.5: "x"}, {None: 1}),
)


def leaf(source: random.Random, json_only: bool) -> Any:
    """A value without others in it."""
    if source.random() < 0.5:
        return source.choice(JSON_LEAVES if json_only else OTHER_LEAVES)
    return source.choice((source.randrange(-100, 100), source.random(), "x", True))


def value_of(source: random.Random, json_only: bool, depth: int = 0) -> Any:
    """Any value, with nested objects and lists."""
    kind = source.random() * (1.0 if depth < 4 else 0.6)
    if kind < 0.6 and depth:
        return leaf(source, json_only)
    items = [value_of(source, json_only, depth + 1) for _ in range(source.randrange(5))]
    if kind > 0.85 and depth:
        return items
    return {source.choice(NAMES): item for item in items}


def rules_of(source: random.Random) -> dict[str, Any]:
    """Any rules that fit together."""
    rules: dict[str, Any] = {
        "key_fields": source.choice(("none", "fill", "override")),
        "binary_text": source.choice(("base64", "hex", "utf8")),
        "decimals": source.choice(("string", "double", "integer")),
        "times": source.choice(("epoch", "iso8601")),
        "nested": source.choice(("json", "flatten")),
        "column_names": source.choice(("reject", "rewrite", "rewrite")),
        "conversions": source.choice(("exact", "connector")),
        "primary_key_mode": source.choice(("kafka", "record_key", "record_value")),
    }
    if rules["decimals"] == "integer":
        rules["decimal_scale"] = source.randrange(19)
    if rules["nested"] == "flatten":
        rules["separator"] = "." if rules["column_names"] == "rewrite" else "_"
    if rules["primary_key_mode"] != "kafka":
        kind = source.choice(("string", "integer", "binary"))
        rules["primary_key"] = [{"name": source.choice(("id", "k")), "type": kind}]
    if source.random() < 0.6:
        names = ("a", "b", "a_b", "_1a", "key")
        rules["columns"] = [
            {"name": name, "type": source.choice(TYPES)} for name in source.sample(names, 3)
        ]
    if source.random() < 0.2:
        del rules["binary_text"], rules["decimals"]
        rules.pop("decimal_scale", None)
    return rules


def made(source: random.Random) -> tuple[Settings, bool]:
    """Settings, and whether their values are of JSON alone."""
    word = source.choice(("json", "json", "connect_json", "string"))
    return factories.settings(table=rules_of(source), format={"value": word}), word == "json"


def test_any_value_under_any_rules() -> None:
    """20,000 values, as value and key, each at first and later sight of its shape."""
    source = random.Random(5)
    rows = rejected = 0
    for _ in range(INPUTS // 25):
        settings, json_only = made(source)
        mapper = RowMapper(settings, RowEncoder())
        for number in range(25):
            value = value_of(source, json_only)
            if settings.format.value == "string" and source.random() < 0.7:
                value = leaf(source, json_only)
            key = source.choice(({"id": 1, "a-b": 2, "k": "x"}, "x", 5, None, value, [1]))
            for offset in (0, 1):
                record = Record(PlainMessage("orders", 0, 2 * number + offset), value, key)
                out = mapper.map_chunk(RecordChunk("orders", 0, [record], []))
                found = rows_in(batch for _, batch in out)
                dead = dead_in(batch for _, batch in out)
                assert len(found) + len(dead) == 1
                for row in found:
                    check(read_wire(row.wire).columns, settings)
                for dead_letter in dead:
                    assert dead_letter.code in CODES, dead_letter
                rows += len(found)
                rejected += len(dead)
    assert rows + rejected == 2 * INPUTS
    assert min(rows, rejected) > INPUTS / 5, "one of the two is hardly ever tried"


# Every reason there is; a new one is to be listed, so that none is a surprise.
CODES = frozenset(
    (
        *("value_null", "value_no_object", "key_null", "key_missing", "key_no_object"),
        *("key_conflict", "key_length", "column_is_key", "column_name", "column_count"),
        *("column_collision", "type_mismatch", "type_unknown", "integer_range", "not_finite"),
        *("base64_invalid", "hex_invalid", "encoding", "decimal_digits", "time_precision"),
        *("no_columns", "value_unavailable"),
        *("time_invalid", "json_depth", "json_key_twice", "value_length", "row_size"),
    )
)
LEGAL = frozenset(string.ascii_letters + string.digits + "_")


def check(columns: dict[str, Any], settings: Settings) -> None:
    """Names are legal, and listed columns have their types; the reader has checked the rest."""
    listed = settings.table.columns
    kinds = {"string": str, "integer": int, "double": float, "boolean": bool, "binary": bytes}
    for name, value in columns.items():
        assert 0 < len(name) <= 255
        assert set(name) <= LEGAL
        assert not name[0].isdigit()
        if listed != "all":
            types = {column.name: kinds[column.type] for column in listed}
            assert type(value) is types[name]
