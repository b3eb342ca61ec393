"""JSON Schema: what each keyword says, and what cannot be judged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats.json_validation import validator
from connectors.formats.schema_registry import SchemaError
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import MakeDecoder, framed

D4, D2020 = (
    "http://json-schema.org/draft-04/schema#",
    "https://json-schema.org/draft/2020-12/schema",
)
TREE = {
    "definitions": {
        "tree": {
            "type": "object",
            "required": ["v"],
            "properties": {
                "v": {"type": "integer"},
                "next": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/tree"}]},
            },
        }
    },
    "$ref": "#/definitions/tree",
}
# (schema, valid values, values that are not)
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (True, [1, None], []),
    (False, [], [1, None]),
    ({"type": "integer"}, [1, 1.0, 2**70], [1.5, "1", True, None]),
    ({"type": "number"}, [1, 1.5], [True, "1"]),
    ({"type": ["string", "null"]}, ["a", None], [1, []]),
    ({"type": "boolean"}, [True], [1, "true"]),
    ({"enum": [1, "a", {"x": [1]}]}, [1, 1.0, "a", {"x": [1]}], [True, "b", {"x": [2]}]),
    ({"const": False}, [False], [0, None]),
    ({"minimum": 1, "maximum": 3}, [1, 3, "x"], [0.5, 4]),
    ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2], [1, 3]),
    ({"$schema": D4, "minimum": 1, "exclusiveMinimum": True}, [1.5], [1]),
    ({"$schema": D4, "maximum": 1, "exclusiveMaximum": False}, [1], [1.5]),
    ({"multipleOf": 0.1}, [0.3, 1, "x"], [0.25]),
    ({"minLength": 2, "maxLength": 3}, ["ab", "äöü", 5], ["a", "abcd"]),
    ({"pattern": "^a+$"}, ["aa", 5], ["ab"]),
    ({"required": ["a"], "properties": {"a": {"type": "string"}}}, [{"a": "x"}, 5], [{}, {"a": 1}]),
    ({"additionalProperties": False, "properties": {"a": {}}}, [{"a": 1}, {}], [{"b": 1}]),
    ({"additionalProperties": {"type": "integer"}}, [{"a": 1}], [{"a": "x"}]),
    (
        {"patternProperties": {"^n_": {"type": "integer"}}, "additionalProperties": False},
        [{"n_a": 1}],
        [{"n_a": "x"}, {"a": 1}],
    ),
    ({"minProperties": 1, "maxProperties": 2}, [{"a": 1}], [{}, {"a": 1, "b": 2, "c": 3}]),
    ({"propertyNames": {"maxLength": 1}}, [{"a": 1}], [{"ab": 1}]),
    ({"dependencies": {"a": ["b"]}}, [{"b": 1}, {"a": 1, "b": 2}], [{"a": 1}]),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{"a": 1, "b": 2}], [{"a": 1}]),
    ({"dependentRequired": {"a": ["b"]}}, [{}], [{"a": 1}]),
    ({"items": {"type": "integer"}}, [[1, 2], [], "x"], [[1, "x"]]),
    ({"items": [{"type": "integer"}], "additionalItems": False}, [[1], []], [["x"], [1, 2]]),
    (
        {"$schema": D2020, "prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
        [[1, "a"]],
        [[1, 2], ["a"]],
    ),
    ({"minItems": 1, "maxItems": 2}, [[1]], [[], [1, 2, 3]]),
    ({"uniqueItems": True}, [[1, True, "1"], []], [[1, 1.0], [{"a": 1}, {"a": 1}]]),
    ({"contains": {"type": "integer"}}, [["a", 1]], [["a"], []]),
    ({"contains": {"const": 1}, "minContains": 0, "maxContains": 1}, [[], [1]], [[1, 1]]),
    ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1], [0, 3]),
    ({"anyOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [1.5]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [1.5, 3]),
    ({"not": {"type": "integer"}}, ["a"], [1]),
    ({"if": {"type": "integer"}, "then": {"minimum": 1}, "else": False}, [1], [0, "a"]),
    (TREE, [{"v": 1, "next": {"v": 2, "next": None}}], [{"v": 1, "next": {}}, 5]),
    (
        {"$schema": D2020, "$ref": "#/$defs/a", "minimum": 1, "$defs": {"a": {"maximum": 2}}},
        [1],
        [0, 3],
    ),
    ({"$ref": "#/definitions/a", "minimum": 1, "definitions": {"a": {"maximum": 2}}}, [0], [3]),
    ({"$ref": "other#/x"}, [1], ["a"]),
    ({"type": "string", "format": "date"}, ["not a date"], []),
    ({"multipleOf": 0.5}, [1e308, 10**5000, 0.0], [0.3]),
    ({"multipleOf": 1e-320}, [1], []),
    ({"multipleOf": 3}, [3 * 10**5000, 9.0], [10**5000, 1e308]),
    ({"multipleOf": 0.01}, [19.99, 1.1], [1.001]),
    # Expressions are ECMA-262's.
    ({"pattern": "^a$"}, ["a"], ["a\n"]),
    ({"pattern": r"^\d+$"}, ["12"], ["\u0661\u0662"]),
    ({"pattern": r"^[\w-]+\$$"}, ["a-b$"], ["\u00e4$", "a-b"]),
    ({"pattern": r"^(?<year>\d{4})-[$]\/$"}, ["2024-$/"], ["2024"]),
    # Its own name, and anchors.
    (
        {"$id": "http://x/y.json", "d": {"type": "integer"}, "items": {"$ref": "http://x/y.json#/d"}},
        [[1]],
        [["a"]],
    ),
    ({"$defs": {"a": {"$anchor": "p", "type": "null"}}, "items": {"$ref": "#p"}}, [[None]], [[1]]),
    ({"d": {"a": {"$id": "#p", "type": "integer"}}, "items": {"$ref": "#p"}}, [[1]], [["a"]]),
    ({"a b%": {"type": "integer"}, "items": {"$ref": "#/a%20b%25"}}, [[1]], [["a"]]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "good", "bad"), CASES)
def test_each_keyword(schema: Any, good: list[Any], bad: list[Any]) -> None:
    """What is valid passes, and what is not has a reason."""
    check = validator(schema, {"other": {"x": {"type": "integer"}}})
    assert [value for value in good if check(value) is not None] == []
    assert [value for value in bad if check(value) is None] == []


@pytest.mark.parametrize(
    "schema",
    [
        5,
        {"type": "int"},
        {"minimum": "a"},
        {"minLength": []},
        {"pattern": "("},
        {"pattern": "(a+)+$"},
        {"$ref": "#/definitions/none"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#anchor"},
        {"unevaluatedProperties": False},
        {"properties": {"a": 5}},
        {"properties": 5},
        {"multipleOf": 0},
    ],
)
def test_a_schema_that_cannot_be_used(schema: Any) -> None:
    """Nothing passes unchecked for it."""
    with pytest.raises(SchemaError):
        validator(schema, {})


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abv"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(values, st.sampled_from([case[0] for case in CASES]))
def test_any_value_is_judged(value: Any, schema: Any) -> None:
    """Never an exception, whatever it is."""
    found = validator(schema, {"other": {"x": {"type": "integer"}}})(value)
    assert found is None or found


def test_no_value_ends_the_run(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """A quotient of very many digits is a number as any other."""
    number = registry.register('{"properties": {"a": {"multipleOf": 0.25}}}', "JSON")
    decode = decoder("json_schema", json_schema_validation=True)
    assert decode(framed(number, b'{"a": 1e308}')) == {"a": 1e308}
    with pytest.raises(Rejection, match="multipleOf"):
        decode(framed(number, b'{"a": 1e-308}'))


def test_as_an_option(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Off unless it is asked for; the reason names the field and never the value."""
    schema = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 5}}}
    number = registry.register(json.dumps(schema), "JSON")
    data = framed(number, b'{"a": 987654321}')
    assert decoder("json_schema")(data) == {"a": 987654321}
    with pytest.raises(Rejection) as caught:
        decoder("json_schema", json_schema_validation=True)(data)
    assert caught.value.code == "json_schema"
    assert "field 'a': beyond its maximum" in caught.value.reason
    assert "987" not in caught.value.reason


def test_references_of_the_registry(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """A schema that imports another by its name."""
    registry.register('{"type": "integer"}', "JSON", subject="day")
    to_it = [{"name": "day.json", "subject": "day", "version": 1}]
    schema = {"properties": {"a": {"$ref": "day.json"}}}
    number = registry.register(json.dumps(schema), "JSON", references=to_it)
    decode = decoder("json_schema", json_schema_validation=True)
    assert decode(framed(number, b'{"a": 5}')) == {"a": 5}
    with pytest.raises(Rejection, match="of type integer"):
        decode(framed(number, b'{"a": "5"}'))
