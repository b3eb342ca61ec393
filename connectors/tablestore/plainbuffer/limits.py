"""What Tablestore accepts in one row, checked before anything is sent.

One bad row makes the service reject the whole request of up to 200 rows, so every limit that
depends on a single row is checked here. The figures are those of settings/tablestore_limits.py
[limits]; the service's own messages confirm them (`The length of primary key column: 'pk_0'
exceeds the MaxLength:1024 ...`).

No text quotes a value: a row may hold personal data, and the text ends in logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from connectors.records import Operation
from connectors.settings.tablestore_limits import (
    MAX_COLUMNS,
    MAX_INTEGER,
    MAX_KEY_COLUMNS,
    MAX_KEY_VALUE_BYTES,
    MAX_NAME_LENGTH,
    MAX_ROW_BYTES,
    MAX_VALUE_BYTES,
    MIN_INTEGER,
)
from connectors.tablestore.plainbuffer.cells import (
    AutoIncrement,
    Cell,
    EncodingError,
    KeyValue,
    WireType,
)

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME_LENGTH - 1}}}")
_WIRE_TYPES: dict[type, WireType] = {
    bool: "boolean",
    int: "integer",
    float: "double",
    str: "string",
    bytes: "binary",
}
_PYTHON_TYPES: dict[str, type] = {wire: python for python, wire in _WIRE_TYPES.items()}
_KEY_TYPES = ("integer", "string", "binary", "generated")


def check_name(name: str) -> None:
    """Raise EncodingError unless `name` is 1 to 255 of A-Z a-z 0-9 _ and begins with no digit."""
    if not _NAME.fullmatch(name):
        shown = ascii(name if len(name) <= 40 else name[:40] + "...")
        raise EncodingError(
            "column_name",
            f"{shown} cannot be a column name in Tablestore: use 1 to 255 letters, digits and '_',"
            " not starting with a digit. Rename the field or leave the column out.",
            name,
        )


def check_layout(
    primary_key: Sequence[tuple[str, WireType]], columns: Sequence[tuple[str, WireType]]
) -> None:
    """Raise EncodingError unless rows of these key and attribute columns can exist at all."""
    check_column_count(len(primary_key), len(columns))
    for name, wire_type in primary_key:
        if wire_type not in _KEY_TYPES:
            raise EncodingError(
                "key_type",
                f"key column '{name}' cannot be {wire_type}: use integer, string or binary.",
                name,
            )
    generated = [wire_type == "generated" for _, wire_type in primary_key]
    if generated[0] or sum(generated) > 1:
        raise EncodingError(
            "auto_increment", "a row may have one generated key column, not the first one."
        )
    for name, wire_type in columns:
        if wire_type not in _PYTHON_TYPES:
            raise EncodingError(
                "value_type", f"column '{name}' has the unknown type {wire_type!r}.", name
            )
    keys = check_key_names([name for name, _ in primary_key])
    seen: set[str] = set()
    for name, _ in columns:
        check_name(name)
        check_not_key(name, keys)
        if name in seen:
            raise duplicate(name)
        seen.add(name)


def check_column_count(keys: int, attributes: int) -> None:
    """Raise EncodingError unless there are 1 to 4 key columns, and at most 1,024 others."""
    if not 1 <= keys <= MAX_KEY_COLUMNS:
        raise EncodingError(
            "key_count", f"a table has 1 to {MAX_KEY_COLUMNS} key columns, this row has {keys}."
        )
    if attributes > MAX_COLUMNS:
        raise EncodingError(
            "column_count",
            f"a row has at most {MAX_COLUMNS} attribute columns, this one has {attributes}."
            " Select columns or nest them in one.",
        )


def check_key_names(names: Sequence[str]) -> frozenset[str]:
    """Return the names of the key columns as a set, or raise EncodingError."""
    for name in names:
        check_name(name)
    keys = frozenset(names)
    if len(keys) != len(names):
        raise duplicate(next(name for name in names if names.count(name) > 1))
    return keys


def check_not_key(name: str, keys: frozenset[str]) -> None:
    """Raise EncodingError when an attribute column has the name of a key column."""
    if name in keys:
        raise EncodingError(
            "key_column_clash",
            f"column '{name}' is a key column of the table and cannot be an attribute column too.",
            name,
        )


def duplicate(name: str) -> EncodingError:
    """Return the error of a column that occurs twice."""
    return EncodingError("duplicate_column", f"column '{name}' occurs twice in one row.", name)


def check_value(name: str, wire_type: WireType, value: object, *, key: bool) -> None:
    """Raise EncodingError unless a column of this type can hold the value as it is."""
    if type(value) is not _PYTHON_TYPES[wire_type]:
        raise EncodingError(
            "value_type",
            f"column '{name}' is of type {wire_type} and got a value of Python type"
            f" {type(value).__name__}. Convert it or leave it out.",
            name,
        )
    _SIZES[type(value)](name, value, key)


def _boolean_size(_name: str, _value: bool, _key: bool) -> int:
    return 1


def _integer_size(name: str, value: int, _key: bool) -> int:
    if MIN_INTEGER <= value <= MAX_INTEGER:
        return 8
    raise EncodingError(
        "integer_range",
        f"column '{name}': it needs {value.bit_length() + 1} bits; 64 is the limit."
        " Write it as a string.",
        name,
    )


def _double_size(name: str, value: float, _key: bool) -> int:
    if value - value == 0.0:
        return 8
    raise EncodingError(
        "not_finite",
        f"column '{name}': NaN and infinity cannot be stored as a double. Leave the column out or"
        " write a string.",
        name,
    )


def _string_size(name: str, value: str, key: bool) -> int:
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise EncodingError(
            "encoding",
            f"column '{name}': the string holds half of a UTF-16 pair (a lone surrogate), which has"
            " no UTF-8 form. Repair the producer or write it as binary.",
            name,
        ) from None
    check_length(name, size, key=key)
    return 4 + size


def _binary_size(name: str, value: bytes, key: bool) -> int:
    check_length(name, len(value), key=key)
    return 4 + len(value)


# By Python type: the bytes of a value after its type byte. They raise EncodingError.
_Sizes = dict[type, Callable[[str, Any, bool], int]]
_SIZES: _Sizes = {
    bool: _boolean_size,
    int: _integer_size,
    float: _double_size,
    str: _string_size,
    bytes: _binary_size,
}
_KEY_SIZES: _Sizes = {python: _SIZES[python] for python in (int, str, bytes)}
_INCREMENT_SIZES: _Sizes = {int: _integer_size}


def check_length(name: str, size: int, *, key: bool) -> None:
    """Raise EncodingError when a string or binary of `size` bytes is too long for its column."""
    limit = MAX_KEY_VALUE_BYTES if key else MAX_VALUE_BYTES
    if size > limit:
        raise EncodingError(
            "key_length" if key else "value_length",
            f"{'key ' if key else ''}column '{name}': the value has {size} bytes, the limit is"
            f" {limit}.",
            name,
        )


def check_row_bytes(size: int) -> None:
    """Raise EncodingError when a row of `size` PlainBuffer bytes cannot travel in any request."""
    if size > MAX_ROW_BYTES:
        raise EncodingError(
            "row_size", f"the row has {size} bytes, a request carries at most {MAX_ROW_BYTES}."
        )


def check_row(
    operation: Operation, primary_key: Sequence[tuple[str, KeyValue]], cells: Sequence[Cell]
) -> None:
    """Raise EncodingError unless `encode_row` of the same arguments gives a legal row."""
    check_column_count(len(primary_key), len(cells))
    keys = check_key_names([name for name, _ in primary_key])
    if operation == "delete" and cells:
        raise EncodingError("operation", "a delete takes the whole row and can hold no cells.")
    # Header, key tag and row checksum; attribute tag; delete marker.
    size = 7 + (1 if cells else 0) + (1 if operation == "delete" else 0)
    automatic = 0
    for position, (name, key_value) in enumerate(primary_key):
        size += 14 + len(name)
        if isinstance(key_value, AutoIncrement):
            automatic += 1
            if position == 0 or automatic > 1 or operation == "delete":
                raise EncodingError(
                    "auto_increment",
                    f"key column '{name}': a row may have one generated key column, not the first"
                    " one, and cannot be deleted by it.",
                    name,
                )
        else:
            size += _size(name, key_value, _KEY_SIZES, key=True)
    seen: dict[str, set[int] | None] = {}  # the times of a column's cells; None: one without a time
    for cell in cells:
        name, value, op, timestamp = cell
        _check_known_name(name)
        if name in keys:
            check_not_key(name, keys)
        if op == "put" and timestamp is None:
            times = None
            size += 14 + len(name) + _size(name, value, _SIZES, key=False)
        else:
            times = set() if timestamp is None else {timestamp}
            size += 8 + len(name) + _check_cell(operation, cell)
        if name in seen:
            # Several versions of one column may travel together if each names its own time.
            before = seen[name]
            if not times or not before or times & before:
                raise duplicate(name)
            times |= before
        seen[name] = times
    check_row_bytes(size)


# Names come again with every row, and the match costs more than everything else there.
_check_known_name = lru_cache(maxsize=4096)(check_name)


def _size(name: str, value: object, sizes: _Sizes, *, key: bool) -> int:
    """Return the bytes of a value after its type byte, or raise EncodingError."""
    size = sizes.get(type(value))
    if size is None:
        allowed = ", ".join(_WIRE_TYPES[python] for python in sizes)
        raise EncodingError(
            "value_type",
            f"column '{name}' got a value of Python type {type(value).__name__}; it takes"
            f" {allowed}.",
            name,
        )
    return size(name, value, key)


def _check_cell(operation: Operation, cell: Cell) -> int:
    """Return the bytes of a cell beyond its name and frame, or raise EncodingError."""
    name, value, op, timestamp = cell
    if operation == "put" and op != "put":
        raise EncodingError(
            "operation", f"column '{name}': '{op}' needs an update, not a put.", name
        )
    size = 0
    if timestamp is not None:
        if type(timestamp) is not int or not 0 <= timestamp <= MAX_INTEGER:
            raise EncodingError(
                "timestamp", f"column '{name}': a cell time is 0 to 2^63-1 ms.", name
            )
        size += 9
    if op != "put":
        size += 2
    if op in ("delete_all", "delete_one"):
        if value is not None or (timestamp is None) != (op == "delete_all"):
            raise EncodingError(
                "operation",
                f"column '{name}': '{op}' takes no value and"
                f" {'no' if op == 'delete_all' else 'needs a'} time.",
                name,
            )
        return size
    sizes = _SIZES
    if op == "increment":
        sizes = _INCREMENT_SIZES
        if timestamp is not None:
            raise EncodingError(
                "operation", f"column '{name}': an increment has no time of its own.", name
            )
    elif op != "put":
        raise EncodingError("operation", f"column '{name}': unknown operation {op!r}.", name)
    return size + 6 + _size(name, value, sizes, key=False)
