"""Chooses the conversion of a value into a column, by the value's type and the table's rules.

A converter takes a value of one Python type and returns what the encoder takes for the type of the
column; it raises Rejection for a value that would lose something. `IDENTITY` is the converter of
values that need none. The types of columns are those of the service [data-types]: string, integer,
double, boolean, binary.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from connectors.errors import Rejection
from connectors.mapping.conversions import connector_compat, json_types, logical_types
from connectors.mapping.conversions.json_types import IDENTITY, Converter, type_mismatch
from connectors.records.exact_time import ExactTime
from connectors.settings.columns import ColumnRules

__all__ = ["IDENTITY", "Conversions", "Converter", "converter", "key_converter", "natural"]

# Name of the column -> its converter.
Make = Callable[[str], Converter]

_BYTES = (bytes, bytearray, memoryview)
_NESTED = (dict, list, tuple)
_MOMENTS = (datetime, date, time, timedelta, ExactTime)
# Values of subclasses of these types are converted as well; a datetime is a date.
_BASES = (str, *_NESTED, Decimal, *_MOMENTS, UUID)


def _as_it_is(_: str) -> Converter:
    return IDENTITY


def _own_text(_: str) -> Converter:
    return str.__str__  # an enum's own str() is another text


# The types of values that a key column takes; a boolean or double as a key is a mistake.
_KEY_SOURCES: dict[str, frozenset[type]] = {
    "string": frozenset((str, int, Decimal, UUID, *_MOMENTS)),
    "integer": frozenset((int, str, float, Decimal, *_MOMENTS)),
    "binary": frozenset((str, *_BYTES)),
}
# The unit of times in an integer column, by the rules' `times`.
_UNITS: dict[str, logical_types.FractionUnit] = {
    "epoch": "ms",
    "iso8601": "ms",
    "epoch_us": "us",
    "epoch_ns": "ns",
}
_BINARY_OF = {
    "base64": json_types.base64_to_binary,
    "hex": json_types.hex_to_binary,
    "utf8": json_types.utf8_to_binary,
}
_OF_BINARY = {
    "base64": json_types.binary_to_base64,
    "hex": json_types.binary_to_hex,
    "utf8": json_types.binary_to_utf8,
}


class Conversions:
    """The conversions of one table, by its rules; without rules, the exact ones."""

    def __init__(
        self, rules: ColumnRules | None = None, plain: bool = True, changed: bool = False
    ) -> None:
        """`plain`: values have only the types of JSON, because they come from a JSON format.

        `changed`: except for other types that transforms put into them.
        """
        rules = ColumnRules() if rules is None else rules
        self._connector = rules.conversions == "connector"
        nested = logical_types.typed_json_text
        if plain:
            nested = logical_types.changed_json_text if changed else json_types.json_text
        scaled = logical_types.decimal_to_integer(
            rules.decimal_scale if rules.decimals == "integer" else 0
        )
        self._listed = _listed(nested, scaled, _UNITS[rules.times])
        binary = _BINARY_OF[rules.binary_by]
        self._listed[str, "binary"] = binary
        if "binary_text" in rules.model_fields_set or self._connector:
            # The connector itself writes base64, whatever form it reads.
            chosen = rules.binary_text if not self._connector else "base64"
            for bytes_type in _BYTES:
                self._listed[bytes_type, "string"] = _OF_BINARY[chosen]
        if self._connector:
            self._listed |= connector_compat.LISTED
        self._natural = self._natural_of(rules, nested, scaled)
        if self._connector and plain:
            self._natural |= dict.fromkeys(
                connector_compat.UNLISTED, ("string", connector_compat.to_text)
            )

    def _natural_of(
        self, rules: ColumnRules, nested: Make, scaled: Make
    ) -> dict[type, tuple[str, Make]]:
        decimals: dict[str, tuple[str, Make]] = {
            "string": ("string", logical_types.decimal_to_text),
            "double": ("double", logical_types.decimal_to_double),
            "integer": ("integer", scaled),
        }
        decimal = decimals[rules.decimals]
        if self._connector and "decimals" not in rules.model_fields_set:
            decimal = "binary", connector_compat.to_text_bytes
        moment: tuple[str, Make] = (
            "integer",
            logical_types.moment_to_integer(_UNITS[rules.times]),
        )
        if rules.times == "iso8601":
            moment = ("string", logical_types.moment_to_text)
        return {
            str: ("string", _as_it_is),
            int: ("integer", _as_it_is),
            float: ("double", _as_it_is),
            bool: ("boolean", _as_it_is),
            bytes: ("binary", _as_it_is),
            bytearray: ("binary", json_types.plain_bytes),
            memoryview: ("binary", json_types.plain_bytes),
            **dict.fromkeys(_NESTED, ("string", nested)),
            **dict.fromkeys(_MOMENTS, moment),
            Decimal: decimal,
            UUID: ("string", logical_types.uuid_to_text),
        }

    def natural(self, name: str, found: type) -> tuple[str, Converter]:
        """The type of a column that is not listed, and the converter to it.

        Numbers stay numbers, nested values become JSON text, other types become what the rules say.
        Raises Rejection for a Python type that has no Tablestore type.
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
            column_type, make = self._natural[base]
            made = column_type, _own_text if make is _as_it_is else make
        column_type, make = made
        return column_type, make(name)

    def converter(self, name: str, wanted: str, found: type) -> Converter:
        """The converter from a Python type to the type of a listed column.

        Raises Rejection when there is none.
        """
        make = self._listed.get((found, wanted))
        if make is None:
            base = _base(found)
            make = self._listed.get((base, wanted)) if base is not None else None
            if make is _as_it_is:
                make = _own_text
            if make is None or (base is str and wanted != "string"):
                raise type_mismatch(name, wanted, found)
        return make(name)

    def key_converter(self, name: str, wanted: str, found: type) -> Converter:
        """As `converter`, for a column of the primary key. Raises Rejection for null as well."""
        if found is type(None):
            raise Rejection(
                "key_null", f"key column {name!r} is null: every row needs its whole key"
            )
        allowed = found in _KEY_SOURCES[wanted]
        if not allowed and self._connector:
            allowed = wanted == "string" and found in (float, bool)
        if not allowed:
            raise type_mismatch(name, wanted, found)
        return self.converter(name, wanted, found)


def _base(found: type) -> type | None:
    """The type in _BASES of which this type is a subclass; None when there is none."""
    return next((base for base in _BASES if issubclass(found, base)), None)


def _listed(
    nested: Make, scaled: Make, unit: logical_types.FractionUnit
) -> dict[tuple[type, str], Make]:
    """The exact conversions, by (type of the value, type of the column)."""
    made: dict[tuple[type, str], Make] = {
        (str, "string"): _as_it_is,
        (int, "integer"): _as_it_is,
        (float, "double"): _as_it_is,
        (bool, "boolean"): _as_it_is,
        (bytes, "binary"): _as_it_is,
        (int, "string"): json_types.integer_text,
        (float, "string"): json_types.double_text,
        (bool, "string"): json_types.boolean_text,
        (str, "integer"): json_types.text_to_integer,
        (float, "integer"): json_types.double_to_integer,
        (int, "double"): json_types.integer_to_double,
        (str, "double"): json_types.text_to_double,
        (str, "boolean"): json_types.text_to_boolean,
        (bytearray, "binary"): json_types.plain_bytes,
        (memoryview, "binary"): json_types.plain_bytes,
        (Decimal, "string"): logical_types.decimal_to_text,
        (Decimal, "double"): logical_types.decimal_to_double,
        (Decimal, "integer"): scaled,
        (UUID, "string"): logical_types.uuid_to_text,
    }
    made |= {(nested_type, "string"): nested for nested_type in _NESTED}
    for moment in _MOMENTS:
        made[moment, "string"] = logical_types.moment_to_text
        made[moment, "integer"] = logical_types.moment_to_integer(unit)
        made[moment, "double"] = logical_types.moment_to_double(unit)
    return made


# Of a table with the default rules, for values of any format.
_EXACT = Conversions(plain=False)
natural = _EXACT.natural
converter = _EXACT.converter
key_converter = _EXACT.key_converter
