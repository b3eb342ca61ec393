"""Validates JSON against JSON Schema: the assertions of drafts 4 to 2020-12 [json-schema].

A schema becomes a function. `format` is an annotation, as the drafts have it by default. An
unknown keyword that would affect the result makes the schema unusable, so nothing goes unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from connectors.formats.ecma_patterns import pattern
from connectors.formats.json_references import own_name, pointed
from connectors.formats.schema_registry import SchemaError

Check = Callable[[Any], "str | None"]
"""From a value to None if it is valid, else to the rule it violates, without the value."""

_MAX_DEPTH = 200
_UNKNOWN = ("$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems")
_BEFORE_2019 = re.compile(r"draft-0[3467]")


def validator(root: Any, references: Mapping[str, Any]) -> Check:
    """The check of a schema; `references` are the schemas that it imports, by their names.

    Raises SchemaError for a schema that cannot be used.
    """
    try:
        return _Compiler(root, references).check(root, root, 0)
    except RecursionError:
        raise SchemaError("it is nested too deep") from None


class _Compiler:
    def __init__(self, root: Any, references: Mapping[str, Any]) -> None:
        self._references = references
        self._root = root  # lives as long as what is made of it, which knows its parts by id
        self._made: dict[int, Check] = {}  # of what $ref means, which may be recursive
        dialect = root.get("$schema", "") if isinstance(root, dict) else ""
        # In these drafts a $ref excludes other keywords.
        self._only_ref = not dialect or bool(_BEFORE_2019.search(str(dialect)))

    def check(self, schema: Any, root: Any, depth: int) -> Check:
        """The check of one schema in the document `root`."""
        if depth > _MAX_DEPTH:
            raise SchemaError(f"it is nested deeper than {_MAX_DEPTH} levels")
        if schema is True:
            return _passes
        if schema is False:
            return lambda _: "no value is allowed"
        if not isinstance(schema, dict):
            raise SchemaError("a part of it is neither an object nor true or false")
        unknown = next((word for word in _UNKNOWN if word in schema), None)
        if unknown is not None:
            raise SchemaError(f"it cannot be validated by: {unknown} is not known here")
        checks: list[Check] = []
        if "$ref" in schema:
            checks.append(self._reference(str(schema["$ref"]), root, depth))
            if self._only_ref:
                return checks[0]

        def inner(one: Any) -> Check:
            return self.check(one, root, depth + 1)

        try:
            checks += _plain(schema)
            checks += _choices(schema, inner)
            checks += _of_object(schema, inner)
            checks += _of_list(schema, inner)
        except (TypeError, ValueError, AttributeError, re.error, ArithmeticError) as error:
            raise SchemaError(
                f"a keyword of it has a wrong value ({type(error).__name__})"
            ) from None
        return _all(checks)

    def _reference(self, reference: str, root: Any, depth: int) -> Check:
        name, _, pointer = reference.partition("#")
        if name and name != own_name(root):
            if name not in self._references:
                raise SchemaError(f"it refers to {name[:200]!r}, which it does not import")
            root = self._references[name]
        found = pointed(root, pointer)
        key = id(found)
        if key not in self._made:
            # A recursive reference is looked up when a value is checked.
            self._made[key] = lambda value: self._made[key](value)  # noqa: PLW0108
            self._made[key] = self.check(found, root, depth + 1)
        return self._made[key]


def _passes(_: Any) -> None:
    return None


def _all(checks: list[Check]) -> Check:
    if len(checks) < 2:
        return checks[0] if checks else _passes

    def check(value: Any) -> str | None:
        for one in checks:
            found = one(value)
            if found is not None:
                return found
        return None

    return check


def _is_number(value: Any) -> bool:
    return type(value) is int or type(value) is float


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "string": lambda value: type(value) is str,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
    "number": _is_number,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
}


def _asserted(applies: Callable[[Any], bool], holds: Callable[[Any], bool], text: str) -> Check:
    return lambda value: text if applies(value) and not holds(value) else None


def same_form(value: Any) -> Any:
    """A form of a value that equals another's exactly if JSON Schema has them as equal."""
    if type(value) is list:
        return ("list", tuple(map(same_form, value)))
    if type(value) is dict:
        return ("dict", frozenset((name, same_form(item)) for name, item in value.items()))
    return (type(value) is bool, value)


def _plain(schema: dict[str, Any]) -> list[Check]:
    """The checks that concern a value as a whole, such as its type. Raises SchemaError."""
    made: list[Check] = []
    types = schema.get("type")
    if types is not None:
        names = types if isinstance(types, list) else [types]
        if not all(name in _TYPES for name in names):
            raise SchemaError("it has a type that JSON Schema does not have")
        tests = [_TYPES[name] for name in names]
        words = " or ".join(names)
        made.append(
            lambda value: None if any(test(value) for test in tests) else f"not of type {words}"
        )
    if "enum" in schema:
        allowed = {same_form(one) for one in schema["enum"]}
        made.append(lambda value: None if same_form(value) in allowed else "none of the enum")
    if "const" in schema:
        only = same_form(schema["const"])
        made.append(lambda value: None if same_form(value) == only else "not the const")
    return [*made, *_of_number(schema), *_of_text(schema)]


def _of_number(schema: dict[str, Any]) -> list[Check]:
    made: list[Check] = []
    for word, exclusive, sign in (
        ("minimum", "exclusiveMinimum", 1),
        ("maximum", "exclusiveMaximum", -1),
    ):
        limit, beyond = schema.get(word), schema.get(exclusive)
        if beyond is True:  # of draft 4: it makes the bound exclusive
            limit, beyond = None, limit
        if limit is not None:
            made.append(_bound(_number(limit), sign, word, exclusive=False))
        if beyond is not None and beyond is not False:
            made.append(_bound(_number(beyond), sign, exclusive, exclusive=True))
    if "multipleOf" in schema:
        unit = _fraction(_number(schema["multipleOf"]))
        if unit <= 0:
            raise ValueError("not positive")
        made.append(
            _asserted(
                _is_number,
                lambda value: not _fraction(value) % unit,
                "not a multipleOf its unit",
            )
        )
    return made


def _number(limit: Any) -> Any:
    if not _is_number(limit):
        raise TypeError("not a number")
    return limit


def _fraction(value: int | float) -> Fraction:
    """The exact number of a JSON number's text: 0.3 is three times 0.1."""
    return Fraction(value) if type(value) is int else Fraction(repr(value))


def _bound(limit: Any, sign: int, word: str, *, exclusive: bool) -> Check:
    def holds(value: Any) -> bool:
        away = (value > limit) - (value < limit)
        return away * sign > 0 or (away == 0 and not exclusive)

    return _asserted(_is_number, holds, f"beyond its {word}")


def _sized(schema: dict[str, Any], python_type: type, lower: str, upper: str) -> list[Check]:
    made: list[Check] = []
    if lower in schema:
        low = int(schema[lower])
        made.append(
            _asserted(
                lambda v: type(v) is python_type, lambda v: len(v) >= low, f"below its {lower}"
            )
        )
    if upper in schema:
        high = int(schema[upper])
        made.append(
            _asserted(
                lambda v: type(v) is python_type, lambda v: len(v) <= high, f"above its {upper}"
            )
        )
    return made


def _of_text(schema: dict[str, Any]) -> list[Check]:
    made = _sized(schema, str, "minLength", "maxLength")
    if "pattern" in schema:
        found = pattern(schema["pattern"]).search
        made.append(
            _asserted(
                lambda v: type(v) is str, lambda v: found(v) is not None, "not of its pattern"
            )
        )
    return made


def _choices(schema: dict[str, Any], inner: Callable[[Any], Check]) -> list[Check]:
    made: list[Check] = [inner(one) for one in schema.get("allOf", ())]
    made += [
        _chosen([inner(one) for one in schema[word]], word)
        for word in ("anyOf", "oneOf")
        if word in schema
    ]
    if "not" in schema:
        bad = inner(schema["not"])
        made.append(lambda value: "what its not says" if bad(value) is None else None)
    if "if" in schema:
        test = inner(schema["if"])
        then, other = inner(schema.get("then", True)), inner(schema.get("else", True))
        made.append(lambda value: then(value) if test(value) is None else other(value))
    return made


def _chosen(checks: list[Check], word: str) -> Check:
    def check(value: Any) -> str | None:
        valid = sum(one(value) is None for one in checks)
        if valid == 1 or (valid and word == "anyOf"):
            return None
        return f"{'none' if not valid else 'several'} of its {word}"

    return check


def _of_object(schema: dict[str, Any], inner: Callable[[Any], Check]) -> list[Check]:
    made = _sized(schema, dict, "minProperties", "maxProperties")
    if isinstance(schema.get("required"), list):
        made.append(_with_fields("", [str(name) for name in schema["required"]]))
    for word in ("dependencies", "dependentRequired", "dependentSchemas"):
        for name, one in schema.get(word, {}).items():
            if isinstance(one, list):
                made.append(_with_fields(name, [str(other) for other in one]))
            else:
                made.append(_when_there(name, inner(one)))
    if "propertyNames" in schema:
        of_name = inner(schema["propertyNames"])
        made.append(
            _asserted(
                lambda value: type(value) is dict,
                lambda value: all(of_name(name) is None for name in value),
                "a field's name is not of its propertyNames",
            )
        )
    if {"properties", "patternProperties", "additionalProperties"} & schema.keys():
        made.append(_properties(schema, inner))
    return made


def _with_fields(when: str, names: list[str]) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not dict or (when and when not in value):
            return None
        missing = next((name for name in names if name not in value), None)
        return None if missing is None else f"without the required field {missing!r}"

    return check


def _when_there(name: str, check: Check) -> Check:
    return lambda value: check(value) if type(value) is dict and name in value else None


def _properties(schema: dict[str, Any], inner: Callable[[Any], Check]) -> Check:
    known = {name: inner(one) for name, one in schema.get("properties", {}).items()}
    patterns = [
        (pattern(text), inner(one)) for text, one in schema.get("patternProperties", {}).items()
    ]
    others = inner(schema.get("additionalProperties", True))

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return None
        for name, item in value.items():
            of_it = [known[name]] if name in known else []
            of_it += [one for pattern, one in patterns if pattern.search(name)]
            for one in of_it or [others]:
                found = one(item)
                if found is not None:
                    where = f"field {name!r}" if name in known else "a field of no fixed name"
                    return f"{where}: {found}"
        return None

    return check


def _of_list(schema: dict[str, Any], inner: Callable[[Any], Check]) -> list[Check]:
    made = _sized(schema, list, "minItems", "maxItems")
    items = schema.get("items", True)
    first, rest = schema.get("prefixItems", []), items
    if isinstance(items, list):  # before 2020-12
        first, rest = items, schema.get("additionalItems", True)
    if first or rest is not True:
        made.append(_items([inner(one) for one in first], inner(rest)))
    if schema.get("uniqueItems") is True:
        made.append(
            _asserted(
                lambda value: type(value) is list,
                lambda value: len({same_form(item) for item in value}) == len(value),
                "an item twice where they are unique",
            )
        )
    if "contains" in schema:
        found, low = inner(schema["contains"]), int(schema.get("minContains", 1))
        high = int(schema.get("maxContains", 1 << 62))
        made.append(
            _asserted(
                lambda value: type(value) is list,
                lambda value: low <= sum(found(item) is None for item in value) <= high,
                "too few or too many items of its contains",
            )
        )
    return made


def _items(first: list[Check], rest: Check) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is not list:
            return None
        for index, item in enumerate(value):
            found = (first[index] if index < len(first) else rest)(item)
            if found is not None:
                return f"item {index}: {found}"
        return None

    return check
