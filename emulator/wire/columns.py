"""Column names that the decoder has already checked, and what it expects after each of them.

Rows of a table mostly have the same columns in the same order, with values of the same types. Each
column therefore remembers which column followed it last and what type its value had. If the next
cell begins as expected, one comparison replaces several steps of decoding.
"""

from struct import Struct

_MAX = 20_000
_STRING = 3
_FIXED = {
    wire_type: bytes((size, 0, 0, 0, wire_type)) for wire_type, size in ((0, 9), (1, 9), (2, 2))
}
"""Size and type of the values that always have the same size: integers, doubles, booleans."""
_u32 = Struct("<I")


class Column:
    """One name: how a cell of this column is expected to begin, and the checksum of the name."""

    __slots__ = ("_start", "checksum", "following", "head", "name", "size", "value_at", "wire_type")

    def __init__(self, name: bytes, checksum: int) -> None:
        self.name = name
        self.checksum = checksum
        self.following: Column | None = None
        """The column that followed it last."""
        self._start = b"\x03\x04" + _u32.pack(len(name)) + name + b"\x05"
        self.expect(_STRING)

    def expect(self, wire_type: int) -> None:
        """Expect values of this type from now on."""
        fixed = _FIXED.get(wire_type, b"")
        self.wire_type = wire_type
        self.head = self._start + fixed
        self.size = fixed[0] if fixed else 0
        """Bytes of the value with its type; 0 where the size varies."""
        self.value_at = len(self._start) + (4 if fixed else 0)
        """Offset of the value in the cell, or, where the size varies, of that size."""


KNOWN: dict[bytes, Column] = {}
"""By name."""
BEFORE_FIRST = Column(b"", 0)
"""Stands before the first column of every row."""


def remember(column: Column) -> None:
    """Keep a column whose name is allowed in every table."""
    if len(KNOWN) >= _MAX:
        forget()
    KNOWN[column.name] = column


def forget() -> None:
    """Clear the cache of columns."""
    for column in (BEFORE_FIRST, *KNOWN.values()):
        column.following = None
    KNOWN.clear()
