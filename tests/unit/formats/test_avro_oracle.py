"""Avro against fastavro, for what that does right: any schema and value, and readers of both."""

import itertools
from io import BytesIO
from typing import Any

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats.avro.decoder import reader
from connectors.formats.avro.schema import parsed

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=200),
    "string": st.text(max_size=200),
}
LOGICAL = {
    "date": ("int", st.dates()),
    "timestamp-micros": ("long", st.datetimes()),
    "local-timestamp-micros": ("long", st.datetimes()),
    "time-micros": ("long", st.times()),
}
NAMES = itertools.count()


@st.composite
def typed(draw: st.DrawFn, depth: int = 3) -> tuple[Any, Any]:
    """A schema, and a value of it."""
    kinds = [*PLAIN, "fixed", "enum"]
    kind = draw(st.sampled_from([*kinds, "array", "map", "record", "union"] if depth else kinds))
    if kind in PLAIN:
        return kind, draw(PLAIN[kind])
    name = f"N{next(NAMES)}"
    if kind == "fixed":
        data = draw(st.binary(max_size=9))
        return {"type": "fixed", "name": name, "size": len(data)}, data
    if kind == "enum":
        symbols = [f"S{number}" for number in range(draw(st.integers(1, 100)))]
        return {"type": "enum", "name": name, "symbols": symbols}, draw(st.sampled_from(symbols))
    inner, value = draw(typed(depth - 1))
    if kind == "union":
        if inner == "null" or isinstance(inner, list):
            return inner, value
        return ["null", inner], draw(st.sampled_from([None, value]))
    if kind == "array":
        return {"type": "array", "items": inner}, [value] * draw(st.integers(0, 70))
    if kind == "map":
        keys = draw(st.lists(st.text(max_size=5), unique=True, max_size=3))
        return {"type": "map", "values": inner}, dict.fromkeys(keys, value)
    fields = [(inner, value), *draw(st.lists(typed(depth - 1), max_size=4))]
    schema = {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{i}", "type": one} for i, (one, _) in enumerate(fields)],
    }
    return schema, {f"f{i}": one for i, (_, one) in enumerate(fields)}


def written(schema: Any, value: Any) -> bytes:
    """Encoded by the library's own writer."""
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


@given(typed())
@settings(deadline=None)
def test_any_value_comes_back(pair: tuple[Any, Any]) -> None:
    """Written by fastavro, and read by us as fastavro reads it."""
    schema, value = pair
    data = written(schema, value)
    found = reader(parsed(schema), None, framed=False)(data)
    assert found == fastavro.schemaless_reader(BytesIO(data), fastavro.parse_schema(schema), None)


def evolved(schema: Any, choose: Any) -> Any:
    """A reader's schema: numbers wider, fields left out and added, unions where there were none."""
    if isinstance(schema, list):
        return [evolved(one, choose) for one in schema]
    if schema in ("int", "long"):
        return choose([schema, "double", ["null", "double"]])
    if schema == "float":
        return choose(["float", "double"])
    if isinstance(schema, str):
        return schema
    made = dict(schema)
    for inner in ("items", "values"):
        if inner in made:
            made[inner] = evolved(made[inner], choose)
    if "fields" in made:
        fields = [{**one, "type": evolved(one["type"], choose)} for one in made["fields"]]
        kept = [one for one in fields if choose([True, True, False])]
        added = [{"name": "added", "type": ["null", "long"], "default": None}]
        made["fields"] = choose([kept, kept[::-1], [*kept, *added]])
    return made


@given(typed(), st.data())
@settings(deadline=None)
def test_any_value_is_resolved(pair: tuple[Any, Any], data: st.DataObject) -> None:
    """To a reader's schema, as fastavro resolves it."""
    schema, value = pair
    target = evolved(schema, lambda options: data.draw(st.sampled_from(options)))
    body = written(schema, value)
    found = reader(parsed(schema), parsed(target), framed=False)(body)
    wanted = fastavro.schemaless_reader(
        BytesIO(body), fastavro.parse_schema(schema), fastavro.parse_schema(target)
    )
    assert found == wanted


@given(st.sampled_from(sorted(LOGICAL)), st.data())
def test_any_time_comes_back(word: str, data: st.DataObject) -> None:
    """Logical types of the years that Python has."""
    kind, values = LOGICAL[word]
    schema = {"type": kind, "logicalType": word}
    body = written(schema, data.draw(values))
    assert reader(parsed(schema), None, framed=False)(body) == fastavro.schemaless_reader(
        BytesIO(body), fastavro.parse_schema(schema), None
    )


@given(typed(), st.data())
@settings(deadline=None)
def test_damaged_bytes_are_a_value_or_a_rejection(
    pair: tuple[Any, Any], data: st.DataObject
) -> None:
    """One byte another one, or the last ones cut off: never an exception, never a hang."""
    schema, value = pair
    body = bytearray(written(schema, value))
    if body:
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    read = reader(parsed(schema), None, framed=False)
    for one in (bytes(body), bytes(body[:cut])):
        try:
            read(one)
        except Rejection as rejection:
            assert rejection.code.startswith("avro_")  # noqa: PT017
