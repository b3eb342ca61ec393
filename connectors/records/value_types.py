"""One word for the type of a decoded value, as reports of fields use it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from connectors.records.exact_time import ExactTime

_WORDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "double",
    str: "string",
    bytes: "binary",
    bytearray: "binary",
    dict: "object",
    list: "list",
    tuple: "list",
    Decimal: "decimal",
    datetime: "time",
    date: "time",
    time: "time",
    timedelta: "time",
    ExactTime: "time",
}
# What a column takes as it is, by the column's type.
TAKEN_AS_IT_IS: dict[str, frozenset[str]] = {
    "string": frozenset({"string", "object", "list"}),
    "integer": frozenset({"integer"}),
    "double": frozenset({"double", "integer"}),
    "boolean": frozenset({"boolean"}),
    "binary": frozenset({"binary", "string"}),
}


def type_name(value: Any) -> str:
    """The word for the type of a decoded value: that of a column, or one that has no column."""
    return _WORDS.get(type(value), "other")
