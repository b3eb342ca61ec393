"""One value for one column: by which conversion, decided from its type and the table's rules.

A converter takes a value of one Python type and returns what the encoder takes for the column's
type, or raises Rejection. `IDENTITY` marks values that need none.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from connectors.errors import Rejection
from connectors.mapping.conversions import connector_compat as java
from connectors.mapping.conversions import json_types as exact
from connectors.mapping.conversions import logical_types as typed
from connectors.mapping.conversions.json_types import IDENTITY, Converter, refuse
from connectors.records.exact_time import ExactTime
from connectors.settings.columns import ColumnRules

__all__ = ["IDENTITY", "Conversions", "Converter", "converter", "key_converter", "natural"]

Make = Callable[[str], Converter]

_BYTES = (bytes, bytearray, memoryview)
_NESTED = (dict, list, tuple)
_MOMENTS = (datetime, date, time, timedelta, ExactTime)
# Of these, values of their subclasses are taken as well; a datetime is a date.
_BASES = (str, *_NESTED, Decimal, *_MOMENTS, UUID)


def _as_it_is(_: str) -> Converter:
    return IDENTITY


def _own_text(_: str) -> Converter:
    return str.__str__  # an enum's own str() is another text


# Key columns take text, integers and bytes; a boolean or double as a key is a mistake.
_KEY_SOURCES: dict[str, frozenset[type]] = {
    "string": frozenset((str, int, Decimal, UUID, *_MOMENTS)),
    "integer": frozenset((int, str, float, Decimal, *_MOMENTS)),
    "binary": frozenset((str, *_BYTES)),
}
_BINARY_OF = {
    "base64": exact.base64_to_binary,
    "hex": exact.hex_to_binary,
    "utf8": exact.utf8_to_binary,
}
_OF_BINARY = {
    "base64": exact.binary_to_base64,
    "hex": exact.binary_to_hex,
    "utf8": exact.binary_to_utf8,
}


class Conversions:
    """The conversions of one table."""

    def __init__(self, rules: ColumnRules | None = None, plain: bool = True) -> None:
        """`plain`: values hold nothing but what JSON has, as they come from JSON."""
        rules = ColumnRules() if rules is None else rules
        self._connector = rules.conversions == "connector"
        nested = exact.json_text if plain else typed.typed_json_text
        scaled = typed.decimal_to_integer(rules.decimal_scale if rules.decimals == "integer" else 0)
        self._listed = _listed(nested, scaled)
        binary = _BINARY_OF[rules.binary_by]
        self._listed[str, "binary"] = binary
        if "binary_text" in rules.model_fields_set or self._connector:
            # The connector itself writes base64, whatever it reads.
            chosen = rules.binary_text if not self._connector else "base64"
            for kind in _BYTES:
                self._listed[kind, "string"] = _OF_BINARY[chosen]
        if self._connector:
            self._listed |= java.LISTED
        self._natural = self._natural_of(rules, nested, scaled)
        if self._connector and plain:
            self._natural |= dict.fromkeys(java.UNLISTED, ("string", java.to_text))

    def _natural_of(
        self, rules: ColumnRules, nested: Make, scaled: Make
    ) -> dict[type, tuple[str, Make]]:
        decimals: dict[str, tuple[str, Make]] = {
            "string": ("string", typed.decimal_to_text),
            "double": ("double", typed.decimal_to_double),
            "integer": ("integer", scaled),
        }
        decimal = decimals[rules.decimals]
        if self._connector and "decimals" not in rules.model_fields_set:
            decimal = "binary", java.to_text_bytes
        moment: tuple[str, Make] = ("integer", typed.moment_to_integer)
        if rules.times == "iso8601":
            moment = ("string", typed.moment_to_text)
        return {
            str: ("string", _as_it_is),
            int: ("integer", _as_it_is),
            float: ("double", _as_it_is),
            bool: ("boolean", _as_it_is),
            bytes: ("binary", _as_it_is),
            bytearray: ("binary", exact.plain_bytes),
            memoryview: ("binary", exact.plain_bytes),
            **dict.fromkeys(_NESTED, ("string", nested)),
            **dict.fromkeys(_MOMENTS, moment),
            Decimal: decimal,
            UUID: ("string", typed.uuid_to_text),
        }

    def natural(self, name: str, found: type) -> tuple[str, Converter]:
        """The column type that keeps a value as it is, and its converter. Raises Rejection.

        Numbers stay numbers, nested values become JSON text, the others as the rules say.
        """
        made = self._natural.get(found)
        if made is None:
            base = _base(found)
            if base is None:
                raise Rejection(
                    "type_unknown",
                    f"column {name!r}: a value of Python type {found.__name__} has no Tablestore "
                    "type; turn it into text, a number or bytes in a step before",
                )
            kind, make = self._natural[base]
            made = kind, _own_text if make is _as_it_is else make
        kind, make = made
        return kind, make(name)

    def converter(self, name: str, wanted: str, found: type) -> Converter:
        """From a Python type to a listed column's type. Raises Rejection when there is none."""
        make = self._listed.get((found, wanted))
        if make is None:
            base = _base(found)
            make = self._listed.get((base, wanted)) if base is not None else None
            if make is _as_it_is:
                make = _own_text
            if make is None or (base is str and wanted != "string"):
                raise refuse(name, wanted, found)
        return make(name)

    def key_converter(self, name: str, wanted: str, found: type) -> Converter:
        """As `converter`, for a primary key column. Raises Rejection."""
        if found is type(None):
            raise Rejection(
                "key_null", f"key column {name!r} is null: every row needs its whole key"
            )
        allowed = found in _KEY_SOURCES[wanted]
        if not allowed and self._connector:
            allowed = wanted == "string" and found in (float, bool)
        if not allowed:
            raise refuse(name, wanted, found)
        return self.converter(name, wanted, found)


def _base(found: type) -> type | None:
    """The type that a value of this subclass of it is taken for."""
    return next((base for base in _BASES if issubclass(found, base)), None)


def _listed(nested: Make, scaled: Make) -> dict[tuple[type, str], Make]:
    """(type of the value, type of the column) to how it is converted."""
    made: dict[tuple[type, str], Make] = {
        (str, "string"): _as_it_is,
        (int, "integer"): _as_it_is,
        (float, "double"): _as_it_is,
        (bool, "boolean"): _as_it_is,
        (bytes, "binary"): _as_it_is,
        (int, "string"): exact.integer_text,
        (float, "string"): exact.double_text,
        (bool, "string"): exact.boolean_text,
        (str, "integer"): exact.text_to_integer,
        (float, "integer"): exact.double_to_integer,
        (int, "double"): exact.integer_to_double,
        (str, "double"): exact.text_to_double,
        (str, "boolean"): exact.text_to_boolean,
        (bytearray, "binary"): exact.plain_bytes,
        (memoryview, "binary"): exact.plain_bytes,
        (Decimal, "string"): typed.decimal_to_text,
        (Decimal, "double"): typed.decimal_to_double,
        (Decimal, "integer"): scaled,
        (UUID, "string"): typed.uuid_to_text,
    }
    made |= {(kind, "string"): nested for kind in _NESTED}
    for kind in _MOMENTS:
        made[kind, "string"] = typed.moment_to_text
        made[kind, "integer"] = typed.moment_to_integer
        made[kind, "double"] = typed.moment_to_double
    return made


# Of a table without rules of its own, for values of any format.
_EXACT = Conversions(plain=False)
natural = _EXACT.natural
converter = _EXACT.converter
key_converter = _EXACT.key_converter
