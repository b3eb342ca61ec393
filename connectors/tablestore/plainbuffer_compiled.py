"""Puts of one key and column set as a generated function: the hot path of the whole flow.

What never changes between two rows is computed once: the bytes around every value, the checksum of
the column's name and type, the lengths of everything that has a fixed length. What is left for
each row is one pack and one checksum call a column, and one join. The source is kept on the
function as `__source__`.

Names of columns never become source text: the generated code holds only names made here (`value3`,
`before_value3`), and the bytes of a column are bound to them as constants.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

from connectors.tablestore.crc8 import crc8
from connectors.tablestore.plainbuffer_frames import CONDITION_IGNORE, row_head
from connectors.tablestore.plainbuffer_limits import (
    Refused,
    WireType,
    check_layout,
    check_length,
    check_row_bytes,
    check_value,
)

_int32 = struct.Struct("<i").pack
_ENDS = tuple(b"\x0a%c" % checksum for checksum in range(256))
_ROW_ENDS = tuple(b"\x09%c" % checksum + CONDITION_IGNORE for checksum in range(256))
_REMEMBERED_LENGTHS = 4096  # of strings, for each column
_REMEMBERED_ROWS = 16384  # the sizes whose varint has at most two bytes


class PutEncoder(Protocol):
    """A function of the key values and then the column values: (identity, row on the wire)."""

    __source__: str

    def __call__(self, *values: Any) -> tuple[bytes, bytes]:
        """Return the key's cells and the row as `wire_row` gives it, or raise Refused."""


class _Column(NamedTuple):
    """One column of the generated function, key or attribute."""

    label: str  # the argument's name in the source
    name: str
    wire_type: WireType
    key: bool
    lead: bytes  # the tag before the first attribute, else nothing

    @property
    def start(self) -> bytes:
        """The cell up to where the value's length stands."""
        encoded = self.name.encode()
        return self.lead + b"\x03\x04" + _int32(len(encoded)) + encoded + b"\x05"

    def seed(self, typed: bytes) -> int:
        """Return the checksum of the name and of what follows it before the value's own bytes."""
        return crc8(typed, crc8(self.name.encode(), 0))


def compile_put(
    primary_key: Sequence[tuple[str, WireType]], columns: Sequence[tuple[str, WireType]]
) -> PutEncoder:
    """Return the encoder of put rows with exactly these key and attribute columns, in this order.

    The encoder takes one value a column: int, float, bool, str or bytes as the column's type says,
    and nothing that would need a conversion (an int is refused in a double column, a bool in an
    integer column). It raises Refused with the column at fault. Raises Refused here when no row
    could be valid.
    """
    check_layout(primary_key, columns)
    described = [
        _Column(f"key{at}", name, wire_type, True, b"")
        for at, (name, wire_type) in enumerate(primary_key)
    ]
    described += [
        _Column(f"value{at}", name, wire_type, False, b"" if at else b"\x02")
        for at, (name, wire_type) in enumerate(columns)
    ]
    return _Generator(described).function()


class _Generator:
    """Collects the statements and the constants of one encoder."""

    def __init__(self, columns: Sequence[_Column]) -> None:
        self.columns = columns
        self.constants: dict[str, object] = {
            "crc8": crc8,
            "pack_integer": struct.Struct("<q").pack,
            "pack_double": struct.Struct("<d").pack,
            "ENDS": _ENDS,
            "ROW_ENDS": _ROW_ENDS,
            "ERRORS": (struct.error, TypeError, ValueError, AttributeError),
            "refusal": _refusal(columns),
        }
        self.statements: list[str] = []
        self.checksums: list[str] = []
        self.lengths: list[str] = []  # those that differ from row to row
        self.size = 5 + 2  # header and key tag, row checksum

    def function(self) -> PutEncoder:
        """Generate, compile and return the encoder."""
        identity: list[str] = []
        row: list[str] = []
        for column in self.columns:
            parts = identity if column.key else row
            if column.wire_type == "boolean":
                self._boolean(column, parts)
            elif column.wire_type in ("integer", "double"):
                self._number(column, parts)
            else:
                self._text(column, parts)
        heads: dict[int, bytes] = {}
        self.constants |= {"heads": heads, "head": _head(heads)}
        arguments = ", ".join(column.label for column in self.columns)
        size = " + ".join([str(self.size), *self.lengths])
        source = "\n".join(
            [
                f"def encode({arguments}):",
                "    try:",
                *(f"        {line}" for line in self.statements),
                f"        identity = {_joined(identity)}",
                f"        size = {size}",
                "        return identity, b''.join((",
                "            heads.get(size) or head(size), identity,",
                *(f"            {part}," for part in row),
                f"            ROW_ENDS[crc8(bytes(({', '.join(self.checksums)}, 0)), 0)],",
                "        ))",
                "    except ERRORS as error:",
                f"        raise refusal(error, ({arguments},)) from None",
            ]
        )
        namespace = dict(self.constants)
        exec(compile(source, "<compile_put>", "exec"), namespace)  # noqa: S102 - names made here only
        function = cast(PutEncoder, namespace["encode"])
        function.__source__ = source
        return function

    def _number(self, column: _Column, parts: list[str]) -> None:
        label = column.label
        integer = column.wire_type == "integer"
        typed = b"\x00" if integer else b"\x01"
        before = column.start + _int32(9) + typed
        self.size += len(before) + 8 + 2
        self.constants[f"before_{label}"] = before
        test = f"type({label}) is not {'int' if integer else 'float'}"
        if not integer:
            test += f" or {label} - {label} != 0.0"
        self.statements += [
            f"if {test}: raise TypeError",
            f"bytes_{label} = pack_{column.wire_type}({label})",
            f"crc_{label} = crc8(bytes_{label}, {column.seed(typed)})",
        ]
        self.checksums.append(f"crc_{label}")
        parts += [f"before_{label}", f"bytes_{label}", f"ENDS[crc_{label}]"]

    def _boolean(self, column: _Column, parts: list[str]) -> None:
        label = column.label
        for value in (True, False):
            typed = b"\x02%c" % value
            checksum = column.seed(typed)
            cell = column.start + _int32(2) + typed + _ENDS[checksum]
            self.constants[f"{value}_{label}".lower()] = cell, checksum
        self.size += len(column.start) + 4 + 2 + 2
        self.statements += [
            f"if {label} is True: cell_{label}, crc_{label} = true_{label}",
            f"elif {label} is False: cell_{label}, crc_{label} = false_{label}",
            "else: raise TypeError",
        ]
        self.checksums.append(f"crc_{label}")
        parts.append(f"cell_{label}")

    def _text(self, column: _Column, parts: list[str]) -> None:
        label = column.label
        known: dict[int, tuple[bytes, int]] = {}
        self.constants |= {f"starts_{label}": known, f"start_{label}": _start(column, known)}
        data = label
        if column.wire_type == "string":
            data = f"bytes_{label}"
            self.statements.append(f"{data} = {label}.encode()")
        else:
            self.statements.append(f"if type({label}) is not bytes: raise TypeError")
        self.statements += [
            f"len_{label} = len({data})",
            f"start = starts_{label}.get(len_{label}) or start_{label}(len_{label})",
            f"before_{label}, seed_{label} = start",
            f"crc_{label} = crc8({data}, seed_{label})",
        ]
        self.size += len(column.start) + 4 + 5 + 2
        self.lengths.append(f"len_{label}")
        self.checksums.append(f"crc_{label}")
        parts += [f"before_{label}", data, f"ENDS[crc_{label}]"]


def _joined(parts: Sequence[str]) -> str:
    return f"b''.join(({', '.join(parts)}))"


def _start(
    column: _Column, known: dict[int, tuple[bytes, int]]
) -> Callable[[int], tuple[bytes, int]]:
    """Return the function of a length that gives a cell's start and seed, and checks the limit."""
    type_byte = b"\x03" if column.wire_type == "string" else b"\x07"

    def start(length: int) -> tuple[bytes, int]:
        check_length(column.name, length, key=column.key)
        typed = type_byte + _int32(length)
        made = column.start + _int32(length + 5) + typed, column.seed(typed)
        if length < _REMEMBERED_LENGTHS:
            known[length] = made
        return made

    return start


def _head(known: dict[int, bytes]) -> Callable[[int], bytes]:
    """Return the function of a row's size that gives what precedes its key, and checks it."""

    def head(size: int) -> bytes:
        check_row_bytes(size)
        made = row_head("put", size) + b"\x75\x00\x00\x00\x01"
        if size < _REMEMBERED_ROWS:
            known[size] = made
        return made

    return head


def _refusal(columns: Sequence[_Column]) -> Callable[[Exception, tuple[object, ...]], Exception]:
    """Return the function that finds out which value made the generated code fail."""

    def refusal(error: Exception, values: tuple[object, ...]) -> Exception:
        if isinstance(error, Refused):
            return error
        try:
            for column, value in zip(columns, values, strict=True):
                check_value(column.name, column.wire_type, value, key=column.key)
        except Refused as refused:
            return refused
        return error

    return refusal
