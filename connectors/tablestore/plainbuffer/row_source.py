"""The source text of the encoder of rows of one layout: what codegen.py compiles.

One statement or two a column, which leave the pieces of its cell and the checksum; then one join.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fastcrc.crc8 import smbus as crc8

from connectors.records import Operation
from connectors.tablestore.plainbuffer.batch_write_row import CONDITION_IGNORE
from connectors.tablestore.plainbuffer.cell_cache import (
    CELL_ENDS,
    ROW_HEADS,
    EncodedColumn,
    after_version,
    cell_starts,
    int32,
)
from connectors.tablestore.plainbuffer.cells import AUTO_INCREMENT, EncodingError
from connectors.tablestore.plainbuffer.limits import check_value

_ROW_ENDS = tuple(b"\x09%c" % checksum + CONDITION_IGNORE for checksum in range(256))
_DELETED = b"\x08"
_DELETE_ALL = b"\x06\x01"  # the operation of a cell that deletes its column

# What generated code treats as "a value is not what its column takes".
_ERRORS = (struct.error, TypeError, ValueError, AttributeError)


class Layout(NamedTuple):
    """What an encoder's rows have."""

    columns: Sequence[EncodedColumn]
    operation: Operation
    deleted: tuple[str, ...] = ()
    """The columns that an update deletes."""
    versioned: bool = False
    """Whether all cells get a version, the first argument."""


class RowSource:
    """Writes the source of one encoder, and collects the constants that it uses."""

    def __init__(self, layout: Layout, remembered: set[str]) -> None:
        heads = ROW_HEADS[layout.operation]
        self._layout = layout
        self.constants: dict[str, Any] = {
            "crc8": crc8,
            "pack_integer": struct.Struct("<q").pack,
            "pack_double": struct.Struct("<d").pack,
            "heads": heads.known,
            "head": heads.head,
            "ENDS": CELL_ENDS,
            "ROW_ENDS": _ROW_ENDS,
            "after_version": after_version,
            "AUTO_INCREMENT": AUTO_INCREMENT,
            "ERRORS": _ERRORS,
            "EncodingError": EncodingError,
            "encoding_error": _error_finder(layout.columns),
        }
        self._arguments = ", ".join(column.label for column in layout.columns)
        self._statements: list[str] = []
        self._checksums: list[str] = []
        self._versioned: list[str] = []  # checksums of cells before their version
        self._last_checksums: list[str] = []  # of cells behind all others
        self._lengths: list[str] = []  # those that differ from row to row
        self._size = 5 + 2  # header and key tag, row checksum
        self._identity: list[str] = []
        self._row: list[str] = []
        if layout.versioned:
            self._statements += [
                "time = pack_integer(version)",
                "after = after_version(crc8(time, 0))",
                "stamp = b'\\x07' + time",
            ]
        for column in layout.columns:
            pieces = self._identity if column.key else self._row
            if column.wire_type == "generated":
                self._generated(column, pieces)
            elif column.wire_type == "boolean":
                self._boolean(column, pieces)
            elif column.wire_type in ("integer", "double"):
                self._number(column, pieces)
            else:
                self._text(column, pieces, column.label in remembered)
            (self._versioned if column.versioned else self._checksums).append(f"crc_{column.label}")
            if column is layout.columns[0]:  # what a block of rows has in common
                self._common = len(self._statements)
        self._deleted_columns()
        if layout.operation == "delete":
            self._row.append(repr(_DELETED))
            self._size += 1

    def source(self, *, trial: bool) -> str:
        """Return the function as text; `trial` counts its rows."""
        layout = self._layout
        version = "version, " if layout.versioned else ""
        last = [*self._last_checksums, str(int(layout.operation == "delete"))]
        row = f"bytes(({', '.join([*self._checksums, *last])}))"
        after: list[str] = []
        if self._versioned:
            ends = [name.replace("crc_", "end_") for name in self._versioned]
            after = [
                f"checksums = bytes(({', '.join(self._versioned)},)).translate(after)",
                f"{', '.join(ends)}, = checksums",
            ]
            row = (
                f"bytes(({', '.join(self._checksums)},)) + checksums + bytes(({', '.join(last)},))"
            )
        return "\n".join(
            [
                f"def encode({version}{self._arguments}):",
                *(["    trial()"] if trial else []),
                "    try:",
                *(f"        {line}" for line in (*self._statements, *after)),
                f"        identity = b''.join(({', '.join(self._identity)},))",
                f"        size = {' + '.join([str(self._size), *self._lengths])}",
                "        return identity, b''.join((",
                "            heads.get(size) or head(size), identity,",
                *(f"            {part}," for part in self._row),
                f"            ROW_ENDS[crc8({row}, 0)],",
                f"        )), {layout.operation!r}",
                "    except ERRORS as error:",
                f"        raise encoding_error(error, ({self._arguments},)) from None",
            ]
        )

    def block_source(self, *, trial: bool) -> str | None:
        """The function of one first key value, the second ones, and the columns of each row.

        It returns the rows alone, with their sizes: it is for rows that all have different keys.
        None where the layout is of another kind.
        """
        keys = [column.label for column in self._layout.columns if column.key]
        others = [column.label for column in self._layout.columns if not column.key]
        if len(keys) != 2 or not others or self._layout.versioned:
            return None
        first, second = keys
        checksums = ", ".join([*self._checksums, *self._last_checksums, "0"])
        return "\n".join(
            [
                f"def encode_block({first}, {second}s, rows):",
                "    wires = []",
                "    try:",
                *(f"        {line}" for line in self._statements[: self._common]),
                f"        for {second}, ({''.join(f'{label}, ' for label in others)}) in zip(",
                f"            {second}s, rows, strict=True",
                "        ):",
                *(["            trial()"] if trial else []),
                *(f"            {line}" for line in self._statements[self._common :]),
                f"            size = {' + '.join([str(self._size), *self._lengths])}",
                "            wires.append(b''.join((",
                "                heads.get(size) or head(size),",
                *(f"                {part}," for part in (*self._identity, *self._row)),
                f"                ROW_ENDS[crc8(bytes(({checksums})), 0)],",
                "            )))",
                "    except ERRORS as error:",
                "        raise EncodingError('block', 'a row is not accepted') from error",
                "    return b''.join(wires), [*map(len, wires)]",
            ]
        )

    def _generated(self, column: EncodedColumn, pieces: list[str]) -> None:
        label = column.label
        checksum = column.seed(b"\x0b")
        cell = column.start + int32(1) + b"\x0b" + CELL_ENDS[checksum]
        self.constants |= {f"cell_{label}": cell, f"crc_{label}": checksum}
        self._size += len(cell)
        self._statements.append(f"if {label} is not AUTO_INCREMENT: raise TypeError")
        pieces.append(f"cell_{label}")

    def _deleted_columns(self) -> None:
        cells, checksums = deleted_cells(self._layout)
        if cells:
            self._last_checksums = [*map(str, checksums)]
            self.constants["deleted"] = cells
            self._size += len(cells)
            self._row.append("deleted")

    def _end(self, column: EncodedColumn, pieces: list[str]) -> None:
        """The end of a cell that is not of one piece, with its version if it has one."""
        if column.versioned:
            self._size += 9
            pieces += ["stamp", f"ENDS[end_{column.label}]"]
        else:
            pieces.append(f"ENDS[crc_{column.label}]")

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
        pieces += [f"before_{label}", f"bytes_{label}"]
        self._end(column, pieces)

    def _boolean(self, column: EncodedColumn, pieces: list[str]) -> None:
        label = column.label
        for value in (True, False):
            typed = b"\x02%c" % value
            checksum = column.seed(typed)
            end = b"" if column.versioned else CELL_ENDS[checksum]
            cell = column.start + int32(2) + typed + end
            self.constants[f"{value}_{label}".lower()] = cell, checksum
        self._size += len(column.start) + 4 + 2 + 2
        self._statements += [
            f"if {label} is True: cell_{label}, crc_{label} = true_{label}",
            f"elif {label} is False: cell_{label}, crc_{label} = false_{label}",
            "else: raise TypeError",
        ]
        pieces.append(f"cell_{label}")
        if column.versioned:
            self._end(column, pieces)

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
            if column.versioned:
                self._end(column, pieces)
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
        pieces += [f"before_{label}", data]
        self._end(column, pieces)


def deleted_cells(layout: Layout) -> tuple[bytes, bytes]:
    """Return the cells that delete the columns of a layout, and the checksum of each."""
    cells: list[bytes] = []
    checksums = bytearray()
    if layout.deleted and all(column.key for column in layout.columns):
        cells.append(b"\x02")
    for name in layout.deleted:
        encoded = name.encode()
        checksum = crc8(_DELETE_ALL[1:], crc8(encoded, 0))
        cells += [b"\x03\x04", int32(len(encoded)), encoded, _DELETE_ALL, CELL_ENDS[checksum]]
        checksums.append(checksum)
    return b"".join(cells), bytes(checksums)


def _error_finder(
    columns: Sequence[EncodedColumn],
) -> Callable[[Exception, tuple[object, ...]], Exception]:
    """Return the function that finds out which value made the generated code fail."""

    def encoding_error(error: Exception, values: tuple[object, ...]) -> Exception:
        if isinstance(error, EncodingError):
            return error
        try:
            for column, value in zip(columns, values, strict=True):
                if column.wire_type != "generated":
                    check_value(column.name, column.wire_type, value, key=column.key)
        except EncodingError as found:
            return found
        return error

    return encoding_error
