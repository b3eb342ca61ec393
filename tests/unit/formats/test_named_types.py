"""Types that schemas name, Connect's and Debezium's, in every format that can name them."""

import base64
import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Rejection
from connectors.formats import json_envelope
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.formats.connect_json import decode
from connectors.records import Chunk, PlainMessage
from connectors.records.exact_time import ExactTime
from connectors.settings import Settings
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import Decode, framed

MakeDecoder = Callable[..., Decode]
CONNECT, TIME, DATA = (
    "org.apache.kafka.connect.data.",
    "io.debezium.time.",
    "io.debezium.data.",
)
DAY_US = 86_400_000_000


def local(*parts: int) -> datetime:
    """A time without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def b64(data: bytes) -> str:
    """Bytes as base64 text, the form that they have in JSON."""
    return base64.b64encode(data).decode()


SCALED = [{"field": "scale", "type": "int32"}, {"field": "value", "type": "bytes"}]
# (plain type, name, value in JSON, value)
CASES: list[tuple[str, str, Any, Any]] = [
    ("int32", f"{CONNECT}Date", 20484, date(2026, 1, 31)),
    ("int32", f"{CONNECT}Time", 1, time(0, 0, 0, 1000)),
    ("int64", f"{CONNECT}Timestamp", 1, datetime(1970, 1, 1, 0, 0, 0, 1000, timezone.utc)),
    ("int64", f"{CONNECT}Timestamp", 2**62, ExactTime("instant", 2**62 * 1_000_000)),
    ("int32", f"{CONNECT}Date", 2**31 - 1, ExactTime("date", (2**31 - 1) * DAY_US * 1000)),
    ("int32", f"{TIME}Date", -1, date(1969, 12, 31)),
    ("int32", f"{TIME}Time", 1, time(0, 0, 0, 1000)),
    ("int64", f"{TIME}MicroTime", 1, time(0, 0, 0, 1)),
    ("int64", f"{TIME}MicroTime", -3_600_000_000, timedelta(hours=-1)),
    ("int64", f"{TIME}MicroTime", 30 * 3_600_000_000, timedelta(hours=30)),
    ("int64", f"{TIME}NanoTime", 1, ExactTime("time", 1)),
    ("int64", f"{TIME}Timestamp", 1, local(1970, 1, 1, 0, 0, 0, 1000)),
    ("int64", f"{TIME}MicroTimestamp", 1, local(1970, 1, 1, 0, 0, 0, 1)),
    ("int64", f"{TIME}NanoTimestamp", 1000, local(1970, 1, 1, 0, 0, 0, 1)),
    ("int64", f"{TIME}NanoTimestamp", 1001, ExactTime("local", 1001)),
    ("int64", f"{TIME}MicroDuration", 1_500_000, timedelta(seconds=1.5)),
    (
        "string",
        f"{TIME}ZonedTimestamp",
        "2026-01-31T08:00:00.5+02:00",
        datetime(2026, 1, 31, 6, 0, 0, 500000, timezone.utc),
    ),
    (
        "string",
        f"{TIME}ZonedTimestamp",
        "2026-01-31T08:00:00.000000001Z",
        1_769_846_400_000_000_001,
    ),
    ("string", f"{TIME}ZonedTimestamp", "+294247-01-10T04:00:25Z", 9_223_372_036_825_000_000_000),
    ("string", f"{TIME}ZonedTimestamp", "__debezium_unavailable_value", None),
    ("string", f"{TIME}IsoDate", "2026-01-31Z", date(2026, 1, 31)),
    ("string", f"{TIME}ZonedTime", "08:00:00Z", None),
    ("string", f"{DATA}Json", '{"a": 1}', None),
    ("string", f"{DATA}Enum", "A", None),
    ("string", f"{DATA}Uuid", "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d", None),
    ("struct", f"{DATA}VariableScaleDecimal", {"scale": 2, "value": b64(b"\x7f")}, Decimal("1.27")),
    ("bytes", f"{CONNECT}Decimal", b64(b"\x7f"), Decimal("1.27")),
    ("int32", f"{TIME}MicroTime", 5, None),  # over another type: only a name
    ("int64", "com.example.Own", 5, None),
]


def wanted_of(given: Any, wanted: Any) -> Any:
    """None: as it is given; a number: an instant of so many nanoseconds."""
    if wanted is None:
        return given
    return ExactTime("instant", wanted) if isinstance(wanted, int) else wanted


def schema_of(plain: str, name: str) -> dict[str, Any]:
    """The schema of one of Kafka Connect's named types."""
    made: dict[str, Any] = {"type": plain, "name": name, "parameters": {"scale": "2"}}
    return {**made, "fields": SCALED} if plain == "struct" else made


def envelope(plain: str, name: str, given: Any) -> bytes:
    """An event of a change, with a field of the type in its image, and null in another."""
    field = schema_of(plain, name)
    image = {
        "type": "struct",
        "optional": True,
        "fields": [{"field": "a", **field}, {"field": "n", **field, "optional": True}],
    }
    fields = [{"field": "after", **image}, {"field": "op", "type": "string"}]
    schema = {"type": "struct", "fields": fields}
    payload = {"after": {"a": given, "n": None}, "op": "c"}
    return json.dumps({"schema": schema, "payload": payload}).encode()


@pytest.mark.parametrize(("plain", "name", "given", "wanted"), CASES)
def test_in_connect_json(plain: str, name: str, given: Any, wanted: Any) -> None:
    """Each of Connect's named types is decoded from its JSON, and so is null."""
    found = decode(envelope(plain, name, given))
    assert found["after"] == {"a": wanted_of(given, wanted), "n": None}


@pytest.mark.parametrize(("plain", "name", "given", "wanted"), CASES)
def test_in_json_with_an_envelope(plain: str, name: str, given: Any, wanted: Any) -> None:
    """The envelope stays one, for the transforms that know it."""
    data = envelope(plain, name, given)
    found = json_envelope.decode(data)
    assert found["schema"] == json.loads(data)["schema"]
    assert found["payload"] == {"after": {"a": wanted_of(given, wanted), "n": None}, "op": "c"}


@pytest.mark.parametrize(
    "document",
    [
        {"schema": {"type": 5}, "payload": {"a": 1}},
        {"schema": "public", "payload": {"a": 1}},
        {"schema": None, "payload": {"a": 1.5}},
        {"schema": {"type": "struct", "fields": 5}, "payload": [1]},
        {"schema": {"type": "struct", "fields": [5, {"field": "a"}]}, "payload": {"a": 1, "b": 2}},
        {"schema": {"a": 1}, "payload": 1, "more": 2},
        {"payload": 1, "schema": {"type": "int32"}},
    ],
)
def test_json_that_only_looks_like_an_envelope(document: Any) -> None:
    """JSON that only resembles an envelope is kept as an ordinary value."""
    assert json_envelope.decode(json.dumps(document).encode()) == document


def test_a_value_that_its_named_type_does_not_have() -> None:
    """Is a rejection with the type's name, and never a wrong number."""
    bad = envelope("struct", f"{DATA}VariableScaleDecimal", {"scale": 10**9, "value": "AQ=="})
    for read in (decode, json_envelope.decode):
        with pytest.raises(Rejection, match="VariableScaleDecimal") as caught:
            read(bad)
        assert caught.value.code == "named_type"


def test_chunks_of_json_with_envelopes() -> None:
    """Also behind records that have none, in the middle of a chunk, and where dicts are decoded."""
    decoder = ChunkDecoder(Settings.model_validate(SETTINGS))
    typed = envelope("int32", f"{TIME}Date", 20484)
    plain = [json.dumps({"a": number}).encode() for number in range(20)]
    for values in ([typed], plain, [*plain, typed, *plain], [typed, *plain], [typed] * 60):
        messages = [
            PlainMessage("t", 0, number, value=value) for number, value in enumerate(values)
        ]
        found = decoder.decode_chunk(Chunk("t", 0, messages))
        for record, value in zip(found.records, values, strict=True):
            day = date(2026, 1, 31)
            assert value != typed or record.value["payload"]["after"]["a"] == day
            assert value == typed or record.value == json.loads(value)


SETTINGS: dict[str, Any] = {
    "kafka": {"bootstrap_servers": "b:1", "topics": ["t"]},
    "tablestore": {"endpoint": "https://shop-1.example.com", "instance": "shop-1"},
}


@pytest.mark.parametrize("numeric", [False, True])
def test_in_json_schema(registry: SchemaRegistry, decoder: MakeDecoder, numeric: bool) -> None:
    """By titles, as Confluent's converter writes them, in choices, lists and maps."""
    day = {"type": "integer", "title": f"{CONNECT}Date", "connect.type": "int32"}
    amount = {
        "type": "number" if numeric else "string",
        "title": f"{CONNECT}Decimal",
        "connect.type": "bytes",
        "connect.parameters": {"scale": "2"},
    }
    schema = {
        "type": "object",
        "definitions": {"day": day},
        "properties": {
            "day": {"oneOf": [{"type": "null"}, day]},
            "none": {"oneOf": [{"type": "null"}, day]},
            "days": {"type": "array", "items": {"$ref": "#/definitions/day"}},
            "by": {"type": "object", "additionalProperties": day},
            "amount": amount,
            "ratio": {"type": "number"},
            "zoned": {"type": "string", "title": f"{TIME}ZonedTimestamp"},
        },
    }
    value = {
        "day": 1, "none": None, "days": [2], "by": {"x": 3}, "ratio": 0.5, "other": "x",
        "amount": b64(b"\x7f"), "zoned": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    text = json.dumps(value)
    if numeric:
        text = text.replace(f'"{b64(bytes([127]))}"', "12345678901234567890.25")
    number = registry.register(json.dumps(schema), "JSON")
    assert decoder("json_schema")(framed(number, text.encode())) == {
        "day": date(1970, 1, 2),
        "none": None,
        "days": [date(1970, 1, 3)],
        "by": {"x": date(1970, 1, 4)},
        "ratio": 0.5,
        "other": "x",
        "amount": Decimal("12345678901234567890.25" if numeric else "1.27"),
        "zoned": datetime(1970, 1, 1, tzinfo=timezone.utc),
    }


_DAY = {"type": "integer", "title": "org.apache.kafka.connect.data.Date", "connect.type": "int32"}
_PRICE = {
    "type": "number",
    "title": "org.apache.kafka.connect.data.Decimal",
    "connect.type": "bytes",
    "connect.parameters": {"scale": "2"},
}


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        # Each choice has types of its own, and all of allOf count.
        ({"oneOf": [{"properties": {"d": _DAY}}, {"properties": {"d": {"type": "string"}}}]},
         '{"d": "x"}', {"d": "x"}),
        ({"anyOf": [{"properties": {"d": {"type": "string"}}}, {"properties": {"d": _DAY}}]},
         '{"d": 1}', {"d": date(1970, 1, 2)}),
        ({"allOf": [{"properties": {"a": _DAY}}, {"properties": {"b": _DAY}}]},
         '{"a": 1, "b": 2}', {"a": date(1970, 1, 2), "b": date(1970, 1, 3)}),
        ({"properties": {"a": {"oneOf": [{"type": "null"}, _DAY]}}}, '{"a": 1}',
         {"a": date(1970, 1, 2)}),
        # Numbers beside a decimal stay doubles, whatever is said of them.
        ({"properties": {"p": _PRICE, "f": {"type": ["number", "null"]}, "z": {}}},
         '{"p": 1.10, "f": 2.5, "z": [{"q": 0.1}], "other": 1.5}',
         {"p": Decimal("1.10"), "f": 2.5, "z": [{"q": 0.1}], "other": 1.5}),
    ],
)  # fmt: skip
def test_choices_and_numbers_of_json_schema(
    registry: SchemaRegistry, decoder: MakeDecoder, schema: Any, text: str, value: Any
) -> None:
    """A type that a schema names is that of its own values alone."""
    number = registry.register(json.dumps(schema), "JSON")
    found = decoder("json_schema")(framed(number, text.encode()))
    assert (found, repr(found)) == (value, repr(value))


def test_maps_in_an_envelope(decoder: MakeDecoder) -> None:
    """Of text keys an object, of others a list of pairs; both have values of types with names."""
    day = {"type": "int32", "name": "org.apache.kafka.connect.data.Date"}
    for key, payload, value in (
        ("string", {"a": 1}, {"a": date(1970, 1, 2)}),
        (
            day,
            [[0, 1], [1, None]],
            [[date(1970, 1, 1), date(1970, 1, 2)], [date(1970, 1, 2), None]],
        ),
        ("int32", [[0, 1], [1]], [[0, date(1970, 1, 2)], [1]]),
    ):
        keys = {"type": key} if isinstance(key, str) else key
        schema = {"type": "map", "keys": keys, "values": day}
        text = json.dumps({"schema": schema, "payload": payload})
        assert decoder("json")(text.encode())["payload"] == value
