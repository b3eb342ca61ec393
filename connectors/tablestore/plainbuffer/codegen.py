"""Puts of one key and column set as a generated function: the hot path of the whole flow.

What never changes between two rows is computed once: the bytes around every value, the checksum of
the column's name and type, the lengths of everything that has a fixed length. What is left for each
row is one pack and one checksum call a column, and one join.

Many string columns hold a few different values (a status, a city, the name of a partition), and a
look-up costs a quarter of encoding and checksum. So an encoder begins with a trial: for some
thousand rows it remembers the cells of every string column and counts. Then its code is replaced by
one that remembers only the columns where that paid off. What is remembered is bounded, and the
trial is held again when it no longer pays.

Names of columns never become source text: the generated code holds only names made here (`value3`,
`before_value3`), and the bytes of a column are bound to them as constants. The source of the code
that is running is kept on the function as `__source__`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock
from types import FunctionType
from typing import Any, NamedTuple, Protocol, cast

from fastcrc.crc8 import smbus as crc8

from connectors.tablestore.plainbuffer.batch_write_row import CONDITION_IGNORE, row_head
from connectors.tablestore.plainbuffer.limits import (
    Refused,
    RowKind,
    WireType,
    check_layout,
    check_length,
    check_row_bytes,
    check_value,
)

TRIAL_ROWS = 4096  # 0: no trial, nothing is remembered
REMEMBERED_VALUES = 256  # of a column
_TRIAL_MISSES = TRIAL_ROWS // 4  # remembering pays while fewer values than these are new
LATER_MISSES = 25 * TRIAL_ROWS  # then the trial is held again
_LONGEST_VALUE = 64  # characters; longer values seldom come twice
_REMEMBERED_LENGTHS = 1024  # of strings and binaries, for each column
_REMEMBERED_ROWS = 16384  # the sizes whose varint has at most two bytes
_ROOM = 100_000  # values and lengths remembered by all encoders together, about 25 MB

_int32 = struct.Struct("<i").pack
_ENDS = tuple(b"\x0a%c" % checksum for checksum in range(256))
_ROW_ENDS = tuple(b"\x09%c" % checksum + CONDITION_IGNORE for checksum in range(256))

# What generated code treats as "a value is not what its column takes".
_ERRORS = (struct.error, TypeError, ValueError, AttributeError)


class PutEncoder(Protocol):
    """A function of the key values and then the column values: (identity, row on the wire)."""

    __source__: str

    def __call__(self, *values: Any) -> tuple[bytes, bytes, RowKind]:
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
    primary_key: Sequence[tuple[str, WireType]],
    columns: Sequence[tuple[str, WireType]],
    kind: RowKind = "put",
) -> PutEncoder:
    """Return the encoder of put rows with exactly these key and attribute columns, in this order.

    An update that only sets columns is the same bytes under another number: `kind` says which.
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
    return _Encoder(described, kind).function


class _Encoder:
    """A generated function, and the trial that decides what its code remembers."""

    def __init__(self, columns: Sequence[_Column], kind: RowKind) -> None:
        self._columns = columns
        self._kind = kind
        self._memories = {
            column.label: _Memory(column, self._hold_trial)
            for column in columns
            if column.wire_type == "string" and TRIAL_ROWS
        }
        self._lock = Lock()  # several workers of a process may share an encoder
        self._on_trial = bool(self._memories)
        self._rows_left = TRIAL_ROWS
        self._constants: dict[str, Any] = {"trial": self._count_row}
        self._function = self._generate(set(self._memories), trial=self._on_trial)

    @property
    def function(self) -> PutEncoder:
        """The encoder: one object, whatever code it has."""
        return cast(PutEncoder, self._function)

    def _hold_trial(self) -> None:
        """Remember every string column for a while."""
        with self._lock:
            for memory in self._memories.values():
                memory.forget()
            self._rows_left = TRIAL_ROWS
            self._on_trial = True
            self._become(self._generate(set(self._memories), trial=True))

    def _count_row(self) -> None:
        """Called by the trial's code for each row."""
        self._rows_left -= 1
        if self._rows_left > 0:
            return
        with self._lock:
            if not self._on_trial:  # a call that was running when the trial ended
                return
            self._on_trial = False
            paying = {label for label, memory in self._memories.items() if memory.pays}
            for label, memory in self._memories.items():
                if label not in paying:
                    memory.forget()
            self._become(self._generate(paying, trial=False))

    def _become(self, other: FunctionType) -> None:
        """Give the function another's code; its callers keep the function, calls keep running."""
        self._function.__code__ = other.__code__
        self.function.__source__ = cast(PutEncoder, other).__source__

    def _generate(self, remembered: set[str], *, trial: bool) -> FunctionType:
        code = _Code(self._columns, remembered, self._kind)
        for label in remembered:
            memory = self._memories[label]
            code.constants |= {f"cells_{label}": memory.cells, f"learn_{label}": memory.learn}
        # One namespace serves all the code this function ever has.
        self._constants |= code.constants
        source = code.source(trial=trial)
        made: dict[str, FunctionType] = {}
        exec(compile(source, "<compile_put>", "exec"), self._constants, made)  # noqa: S102 - our names
        function = made["encode"]
        cast(PutEncoder, function).__source__ = source
        return function


class _Code:
    """Writes the source of one encoder, and collects the constants that it uses."""

    def __init__(self, columns: Sequence[_Column], remembered: set[str], kind: RowKind) -> None:
        heads = _HEADS[kind]
        self._operation = kind
        self.constants: dict[str, Any] = {
            "crc8": crc8,
            "pack_integer": struct.Struct("<q").pack,
            "pack_double": struct.Struct("<d").pack,
            "heads": heads.known,
            "head": heads.head,
            "ENDS": _ENDS,
            "ROW_ENDS": _ROW_ENDS,
            "ERRORS": _ERRORS,
            "refusal": _refusal(columns),
        }
        self._arguments = ", ".join(column.label for column in columns)
        self._statements: list[str] = []
        self._checksums: list[str] = []
        self._lengths: list[str] = []  # those that differ from row to row
        self._size = 5 + 2  # header and key tag, row checksum
        self._identity: list[str] = []
        self._row: list[str] = []
        for column in columns:
            parts = self._identity if column.key else self._row
            if column.wire_type == "boolean":
                self._boolean(column, parts)
            elif column.wire_type in ("integer", "double"):
                self._number(column, parts)
            else:
                self._text(column, parts, column.label in remembered)
            self._checksums.append(f"crc_{column.label}")

    def source(self, *, trial: bool) -> str:
        """Return the function as text; `trial` counts its rows."""
        checksums = ", ".join([*self._checksums, "0"])
        return "\n".join(
            [
                f"def encode({self._arguments}):",
                *(["    trial()"] if trial else []),
                "    try:",
                *(f"        {line}" for line in self._statements),
                f"        identity = b''.join(({', '.join(self._identity)},))",
                f"        size = {' + '.join([str(self._size), *self._lengths])}",
                "        return identity, b''.join((",
                "            heads.get(size) or head(size), identity,",
                *(f"            {part}," for part in self._row),
                f"            ROW_ENDS[crc8(bytes(({checksums})), 0)],",
                f"        )), {self._operation!r}",
                "    except ERRORS as error:",
                f"        raise refusal(error, ({self._arguments},)) from None",
            ]
        )

    def _number(self, column: _Column, parts: list[str]) -> None:
        label = column.label
        integer = column.wire_type == "integer"
        typed = b"\x00" if integer else b"\x01"
        before = column.start + _int32(9) + typed
        self._size += len(before) + 8 + 2
        self.constants[f"before_{label}"] = before
        test = f"type({label}) is not {'int' if integer else 'float'}"
        if not integer:
            test += f" or {label} - {label} != 0.0"  # NaN and the infinities
        self._statements += [
            f"if {test}: raise TypeError",
            f"bytes_{label} = pack_{column.wire_type}({label})",
            f"crc_{label} = crc8(bytes_{label}, {column.seed(typed)})",
        ]
        parts += [f"before_{label}", f"bytes_{label}", f"ENDS[crc_{label}]"]

    def _boolean(self, column: _Column, parts: list[str]) -> None:
        label = column.label
        for value in (True, False):
            typed = b"\x02%c" % value
            checksum = column.seed(typed)
            cell = column.start + _int32(2) + typed + _ENDS[checksum]
            self.constants[f"{value}_{label}".lower()] = cell, checksum
        self._size += len(column.start) + 4 + 2 + 2
        self._statements += [
            f"if {label} is True: cell_{label}, crc_{label} = true_{label}",
            f"elif {label} is False: cell_{label}, crc_{label} = false_{label}",
            "else: raise TypeError",
        ]
        parts.append(f"cell_{label}")

    def _text(self, column: _Column, parts: list[str], remembered: bool) -> None:
        label = column.label
        self._size += len(column.start) + 4 + 5 + 2
        self._lengths.append(f"len_{label}")
        if remembered:
            self._statements += [
                f"cell = cells_{label}.get({label}) or learn_{label}({label})",
                f"cell_{label}, crc_{label}, len_{label} = cell",
            ]
            parts.append(f"cell_{label}")
            return
        starts = _starts(column)
        self.constants |= {f"starts_{label}": starts.known, f"start_{label}": starts.start}
        data = label
        if column.wire_type == "string":
            data = f"bytes_{label}"
            self._statements.append(f"{data} = {label}.encode()")
        else:
            self._statements.append(f"if type({label}) is not bytes: raise TypeError")
        self._statements += [
            f"len_{label} = len({data})",
            f"start = starts_{label}.get(len_{label}) or start_{label}(len_{label})",
            f"before_{label}, seed_{label} = start",
            f"crc_{label} = crc8({data}, seed_{label})",
        ]
        parts += [f"before_{label}", data, f"ENDS[crc_{label}]"]


class _Room:
    """How much all encoders together may still remember: many tables must not fill the memory."""

    left = _ROOM

    @classmethod
    def take(cls) -> bool:
        """Take one place, if there is one."""
        if cls.left <= 0:
            return False
        cls.left -= 1
        return True


class _Starts:
    """How cells of a string or binary column begin: that depends on the length alone."""

    def __init__(self, column: _Column) -> None:
        self._column = column
        self._type_byte = b"\x03" if column.wire_type == "string" else b"\x07"
        self.known: dict[int, tuple[bytes, int]] = {}

    def start(self, length: int) -> tuple[bytes, int]:
        """Return what precedes the value's bytes and its checksum; raise Refused when too long."""
        column = self._column
        check_length(column.name, length, key=column.key)
        typed = self._type_byte + _int32(length)
        made = column.start + _int32(length + 5) + typed, column.seed(typed)
        if length < _REMEMBERED_LENGTHS and _Room.take():
            self.known[length] = made
        return made


@lru_cache(maxsize=1024)
def _shared_starts(column: _Column) -> _Starts:
    return _Starts(column)


def _starts(column: _Column) -> _Starts:
    """Return the beginnings of a column's cells, shared by all encoders that have the column."""
    return _shared_starts(column._replace(label=""))


class _Memory:
    """The cells of a string column's values, as (cell, checksum, length)."""

    def __init__(self, column: _Column, too_many_misses: Callable[[], None]) -> None:
        self._starts = _starts(column)
        self._too_many_misses = too_many_misses
        self._misses = 0
        self.cells: dict[str, tuple[bytes, int, int]] = {}

    @property
    def pays(self) -> bool:
        """Whether the values of the trial came again often enough."""
        return self._misses < _TRIAL_MISSES

    def forget(self) -> None:
        """Start anew."""
        _Room.left += len(self.cells)
        self.cells.clear()
        self._misses = 0

    def learn(self, value: str) -> tuple[bytes, int, int]:
        """Return the cell of a value that is not remembered."""
        data = value.encode()
        length = len(data)
        before, seed = self._starts.known.get(length) or self._starts.start(length)
        checksum = crc8(data, seed)
        made = before + data + _ENDS[checksum], checksum, length
        self._misses += 1
        if self._misses > LATER_MISSES:
            self._too_many_misses()
        elif len(value) <= _LONGEST_VALUE and len(self.cells) < REMEMBERED_VALUES and _Room.take():
            self.cells[value] = made
        return made


class _Heads:
    """What precedes a row's key depends on its kind and size alone; all encoders share it."""

    def __init__(self, kind: RowKind) -> None:
        self._kind = kind
        self.known: dict[int, bytes] = {}

    def head(self, size: int) -> bytes:
        """Return everything before the key, or raise Refused."""
        check_row_bytes(size)
        made = row_head(self._kind, size) + b"\x75\x00\x00\x00\x01"
        if size < _REMEMBERED_ROWS:
            self.known[size] = made
        return made


_HEADS: dict[RowKind, _Heads] = {"put": _Heads("put"), "update": _Heads("update")}


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
