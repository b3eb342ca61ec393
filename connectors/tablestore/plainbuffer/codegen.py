"""Puts of one key and column set as a generated function [plainbuffer]: the hot path of the flow.

What never changes between two rows is computed once: the bytes around every value, the checksum of
the column's name and type, the lengths of everything that has a fixed length. What is left for each
row is one pack and one checksum call a column, and one join.

Many string columns hold a few different values (a status, a city, the name of a partition), and a
look-up costs a quarter of encoding and checksum. So an encoder begins with a trial: for some
thousand rows it remembers the cells of every string column and counts. Then its code is replaced by
one that remembers only the columns where that paid off. What is remembered is bounded, and a new
trial begins when it no longer pays (cell_cache.py).

Names of columns never become source text: the generated code has only names of this module
(`value3`, `before_value3`), and the bytes of a column are bound to them as constants. The source of
the code that is running is kept on the function as `__source__`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from threading import Lock
from types import FunctionType
from typing import Any, Protocol, cast

from fastcrc.crc8 import smbus as crc8

from connectors.records import Operation
from connectors.tablestore.plainbuffer.batch_write_row import CONDITION_IGNORE
from connectors.tablestore.plainbuffer.cell_cache import (
    CELL_ENDS,
    ROW_HEADS,
    EncodedColumn,
    ValueCells,
    cell_starts,
    int32,
)
from connectors.tablestore.plainbuffer.cells import EncodingError, WireType
from connectors.tablestore.plainbuffer.limits import check_layout, check_value

TRIAL_ROWS = 4096  # 0: no trial, nothing is remembered
_MAX_TRIAL_MISSES = TRIAL_ROWS // 4  # remembering pays while fewer values than this are new
LATER_MISSES = 25 * TRIAL_ROWS  # new values after a trial that start another one
_ROW_ENDS = tuple(b"\x09%c" % checksum + CONDITION_IGNORE for checksum in range(256))

# The exceptions by which generated code notices a value that its column does not accept.
_ERRORS = (struct.error, TypeError, ValueError, AttributeError)


class PutEncoder(Protocol):
    """A function of the key values and then the column values."""

    __source__: str

    def __call__(self, *values: Any) -> tuple[bytes, bytes, Operation]:
        """Return the key's cells, the row as `wire_row` gives it, and its operation.

        Raises EncodingError.
        """


def compile_put(
    primary_key: Sequence[tuple[str, WireType]],
    columns: Sequence[tuple[str, WireType]],
    operation: Operation = "put",
) -> PutEncoder:
    """Return the encoder of put rows with exactly these key and attribute columns, in this order.

    An update that only sets columns has the same bytes under another number: `operation` is put or
    update. The encoder takes one value a column: int, float, bool, str or bytes as the column's
    type says, and nothing that would need a conversion (no int in a double column, no bool in an
    integer column). It raises EncodingError with the column at fault. So does `compile_put` when no
    row of these columns could be valid.
    """
    check_layout(primary_key, columns)
    described = [
        EncodedColumn(f"key{at}", name, wire_type, True, b"")
        for at, (name, wire_type) in enumerate(primary_key)
    ]
    described += [
        EncodedColumn(f"value{at}", name, wire_type, False, b"" if at else b"\x02")
        for at, (name, wire_type) in enumerate(columns)
    ]
    return _Encoder(described, operation).function


class _Encoder:
    """A generated function, and the trial that decides what its code remembers."""

    def __init__(self, columns: Sequence[EncodedColumn], operation: Operation) -> None:
        self._columns = columns
        self._operation = operation
        self._value_cells = {
            column.label: ValueCells(column, LATER_MISSES, self._start_trial)
            for column in columns
            if column.wire_type == "string" and TRIAL_ROWS
        }
        self._lock = Lock()  # several workers of a process may share an encoder
        self._on_trial = bool(self._value_cells)
        self._rows_left = TRIAL_ROWS
        self._constants: dict[str, Any] = {"trial": self._count_row}
        self._function = self._generate(set(self._value_cells), trial=self._on_trial)

    @property
    def function(self) -> PutEncoder:
        """The encoder: always one object, though its code changes."""
        return cast(PutEncoder, self._function)

    def _start_trial(self) -> None:
        """Remember every string column for a while."""
        with self._lock:
            for cells in self._value_cells.values():
                cells.forget()
            self._rows_left = TRIAL_ROWS
            self._on_trial = True
            self._replace_code(self._generate(set(self._value_cells), trial=True))

    def _count_row(self) -> None:
        """Count a row of the trial; the trial's code calls it."""
        self._rows_left -= 1
        if self._rows_left > 0:
            return
        with self._lock:
            if not self._on_trial:  # a call that was running when the trial ended
                return
            self._on_trial = False
            paying = {
                label
                for label, cells in self._value_cells.items()
                if cells.misses < _MAX_TRIAL_MISSES
            }
            for label, cells in self._value_cells.items():
                if label not in paying:
                    cells.forget()
            self._replace_code(self._generate(paying, trial=False))

    def _replace_code(self, other: FunctionType) -> None:
        """Give the function the code of another: callers keep the function, running calls go on."""
        self._function.__code__ = other.__code__
        self.function.__source__ = cast(PutEncoder, other).__source__

    def _generate(self, remembered: set[str], *, trial: bool) -> FunctionType:
        code = _Code(self._columns, remembered, self._operation)
        for label in remembered:
            cells = self._value_cells[label]
            code.constants |= {f"cells_{label}": cells.cells, f"learn_{label}": cells.learn}
        # One namespace serves all the code this function ever has.
        self._constants |= code.constants
        source = code.source(trial=trial)
        defined: dict[str, FunctionType] = {}
        exec(compile(source, "<compile_put>", "exec"), self._constants, defined)  # noqa: S102 - our names
        function = defined["encode"]
        cast(PutEncoder, function).__source__ = source
        return function


class _Code:
    """Writes the source of one encoder, and collects the constants that it uses."""

    def __init__(
        self, columns: Sequence[EncodedColumn], remembered: set[str], operation: Operation
    ) -> None:
        heads = ROW_HEADS[operation]
        self._operation = operation
        self.constants: dict[str, Any] = {
            "crc8": crc8,
            "pack_integer": struct.Struct("<q").pack,
            "pack_double": struct.Struct("<d").pack,
            "heads": heads.known,
            "head": heads.head,
            "ENDS": CELL_ENDS,
            "ROW_ENDS": _ROW_ENDS,
            "ERRORS": _ERRORS,
            "encoding_error": _error_finder(columns),
        }
        self._arguments = ", ".join(column.label for column in columns)
        self._statements: list[str] = []
        self._checksums: list[str] = []
        self._lengths: list[str] = []  # the bytes that differ between rows
        self._size = 5 + 2  # header and key tag, row checksum
        self._identity: list[str] = []
        self._row: list[str] = []
        for column in columns:
            pieces = self._identity if column.key else self._row
            if column.wire_type == "boolean":
                self._boolean(column, pieces)
            elif column.wire_type in ("integer", "double"):
                self._number(column, pieces)
            else:
                self._text(column, pieces, column.label in remembered)
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
                f"        raise encoding_error(error, ({self._arguments},)) from None",
            ]
        )

    def _number(self, column: EncodedColumn, pieces: list[str]) -> None:
        label = column.label
        integer = column.wire_type == "integer"
        typed = b"\x00" if integer else b"\x01"
        before = column.start + int32(9) + typed
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
        pieces += [f"before_{label}", f"bytes_{label}", f"ENDS[crc_{label}]"]

    def _boolean(self, column: EncodedColumn, pieces: list[str]) -> None:
        label = column.label
        for value in (True, False):
            typed = b"\x02%c" % value
            checksum = column.seed(typed)
            cell = column.start + int32(2) + typed + CELL_ENDS[checksum]
            self.constants[f"{value}_{label}".lower()] = cell, checksum
        self._size += len(column.start) + 4 + 2 + 2
        self._statements += [
            f"if {label} is True: cell_{label}, crc_{label} = true_{label}",
            f"elif {label} is False: cell_{label}, crc_{label} = false_{label}",
            "else: raise TypeError",
        ]
        pieces.append(f"cell_{label}")

    def _text(self, column: EncodedColumn, pieces: list[str], remembered: bool) -> None:
        label = column.label
        self._size += len(column.start) + 4 + 5 + 2
        self._lengths.append(f"len_{label}")
        if remembered:
            self._statements += [
                f"cell = cells_{label}.get({label}) or learn_{label}({label})",
                f"cell_{label}, crc_{label}, len_{label} = cell",
            ]
            pieces.append(f"cell_{label}")
            return
        starts = cell_starts(column)
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
        pieces += [f"before_{label}", data, f"ENDS[crc_{label}]"]


def _error_finder(
    columns: Sequence[EncodedColumn],
) -> Callable[[Exception, tuple[object, ...]], Exception]:
    """Return the function that finds out which value made the generated code fail."""

    def encoding_error(error: Exception, values: tuple[object, ...]) -> Exception:
        if isinstance(error, EncodingError):
            return error
        try:
            for column, value in zip(columns, values, strict=True):
                check_value(column.name, column.wire_type, value, key=column.key)
        except EncodingError as found:
            return found
        return error

    return encoding_error
