"""The parts of a row: types of values, cells, and the error of a row that no table accepts."""

from __future__ import annotations

from typing import Literal, NamedTuple

WireType = Literal["integer", "double", "boolean", "string", "binary", "generated"]
"""Of a column; `generated` is only of a key column that the service makes a number for."""
CellOperation = Literal["put", "delete_all", "delete_one", "increment"]


class AutoIncrement:
    """The placeholder of a key column whose value the service chooses."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "AUTO_INCREMENT"

    def __reduce__(self) -> str:
        return "AUTO_INCREMENT"  # pickled as the one instance, so that `is` works between processes


AUTO_INCREMENT = AutoIncrement()

KeyValue = int | str | bytes | AutoIncrement
CellValue = int | float | bool | str | bytes | None


class Cell(NamedTuple):
    """One change of an attribute column: no `value` for the two deletes, `timestamp` in ms."""

    name: str
    value: CellValue
    operation: CellOperation = "put"
    timestamp: int | None = None


class EncodingError(ValueError):
    """A row that no table takes: `code` is stable, `column` the one at fault."""

    def __init__(self, code: str, reason: str, column: str | None = None) -> None:
        super().__init__(code, reason, column)
        self.code = code
        self.reason = reason
        self.column = column

    def __str__(self) -> str:
        return self.reason
