"""Rows of one key and column set as a generated function [plainbuffer]: the hot path of the flow.

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

from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from types import FunctionType
from typing import Any, Protocol, cast

from connectors.records import Operation
from connectors.tablestore.plainbuffer.cell_cache import EncodedColumn, ValueCells
from connectors.tablestore.plainbuffer.cells import WireType
from connectors.tablestore.plainbuffer.limits import check_layout
from connectors.tablestore.plainbuffer.row_source import Layout, RowSource

TRIAL_ROWS = 4096  # 0: no trial, nothing is remembered
_MAX_TRIAL_MISSES = TRIAL_ROWS // 4  # remembering pays while fewer values than this are new
LATER_MISSES = 25 * TRIAL_ROWS  # new values after a trial that start another one


BlockEncoder = Callable[[Any, Sequence[Any], Iterable[Sequence[Any]]], tuple[bytes, list[int]]]
"""Of the first key value, the second of each row, and the column values of each row: the rows.

It returns them as one piece of bytes, with the size of each in bytes. It raises EncodingError,
without the column at fault, where one of them is not accepted.
"""


class PutEncoder(Protocol):
    """A function of the key values and then the column values."""

    @property
    def block(self) -> BlockEncoder | None:
        """Encodes neighbouring rows in one call; only for keys of two columns."""

    def __call__(self, *values: Any) -> tuple[bytes, bytes, Operation]:
        """Return the key's cells, the row as `wire_row` gives it, and its operation.

        Raises EncodingError.
        """


class GeneratedEncoder(PutEncoder, Protocol):
    """An encoder that is a function of generated code."""

    __source__: str


def compile_put(
    primary_key: Sequence[tuple[str, WireType]],
    columns: Sequence[tuple[str, WireType]],
    operation: Operation = "put",
    deleted: Sequence[str] = (),
    *,
    versioned: bool = False,
) -> GeneratedEncoder:
    """Return the encoder of rows with exactly these key and attribute columns, in this order.

    An update that only sets columns has the same bytes as a put under another number; it also
    deletes the columns `deleted`. A delete has no columns. The encoder takes one value a column:
    int, float, bool, str or bytes as the column's type says, and nothing that would need a
    conversion (no int in a double column, no bool in an integer column); a key column of type
    `generated` takes AUTO_INCREMENT. With `versioned`, the first argument is the version of all
    cells in ms. It raises EncodingError with the column at fault. So does `compile_put` when no row
    of these columns could be valid.
    """
    return generated(layout_of(primary_key, columns, operation, deleted, versioned=versioned))


def layout_of(
    primary_key: Sequence[tuple[str, WireType]],
    columns: Sequence[tuple[str, WireType]],
    operation: Operation = "put",
    deleted: Sequence[str] = (),
    *,
    versioned: bool = False,
) -> Layout:
    """Return what `compile_put` compiles. Raises EncodingError as it does."""
    check_layout(primary_key, [*columns, *((name, "string") for name in deleted)])
    described = [
        EncodedColumn(f"key{at}", name, wire_type, True, b"")
        for at, (name, wire_type) in enumerate(primary_key)
    ]
    described += [
        EncodedColumn(f"value{at}", name, wire_type, False, b"" if at else b"\x02", versioned)
        for at, (name, wire_type) in enumerate(columns)
    ]
    return Layout(described, operation, (*deleted,), versioned)


def generated(layout: Layout) -> GeneratedEncoder:
    """Return the generated function of a layout."""
    return _Encoder(layout).function


class _Encoder:
    """A generated function, and the trial that decides what its code remembers."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._value_cells = {
            column.label: ValueCells(column, LATER_MISSES, self._start_trial)
            for column in layout.columns
            if column.wire_type == "string" and TRIAL_ROWS
        }
        self._lock = Lock()  # several workers of a process may share an encoder
        self._on_trial = bool(self._value_cells)
        self._rows_left = TRIAL_ROWS
        self._constants: dict[str, Any] = {"trial": self._count_row}
        self._function = self._generate(set(self._value_cells), trial=self._on_trial)

    @property
    def function(self) -> GeneratedEncoder:
        """The encoder: always one object, though its code changes."""
        return cast(GeneratedEncoder, self._function)

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
        new, mine = cast(GeneratedEncoder, other), self.function
        mine.__source__ = new.__source__
        if mine.block is not None and new.block is not None:
            cast(FunctionType, mine.block).__code__ = cast(FunctionType, new.block).__code__

    def _generate(self, remembered: set[str], *, trial: bool) -> FunctionType:
        code = RowSource(self._layout, remembered)
        for label in remembered:
            cells = self._value_cells[label]
            code.constants |= {f"cells_{label}": cells.cells, f"learn_{label}": cells.learn}
        # One namespace serves all the code this function ever has.
        self._constants |= code.constants
        source, block = code.source(trial=trial), code.block_source(trial=trial)
        defined: dict[str, FunctionType] = {}
        for text in (source, block or ""):
            exec(compile(text, "<compile_put>", "exec"), self._constants, defined)  # noqa: S102 - our names
        function = defined["encode"]
        function.__dict__.update(__source__=source, block=defined.get("encode_block"))
        return function
