"""Builds FlatBuffers [flatbuffers] from their end: a buffer of groups, vectors and texts.

Every function returns or takes pieces of bytes; `Buffer` knows how far from its end each begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack

_PADDING = [bytes(size) for size in range(8)]

# Layouts (vtables) of the tables that are alike in every point: bytes of the layout, bytes of the
# table, and the offset of each field in the table, 0 where it is left out. A layout may come before
# or after its tables.
_ROOT = pack("<3H", 6, 8, 4)
_GROUP = pack("<6H", 12, 20, 4, 8, 12, 16)
_ROW = pack("<8H", 16, 28, 4, 8, 16, 12, 0, 24)


class Buffer:
    """One FlatBuffer, built from its end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._distances: dict[bytes, int] = {}
        self.size = 0
        self.row, self.group, self._root = [self.put(layout) for layout in (_ROW, _GROUP, _ROOT)]
        self.empty = self.shared(padded(counted(b"")))

    def put(self, piece: bytes) -> int:
        """Put a piece before all others; returns its distance from the end."""
        piece += _PADDING[-len(piece) & 7]
        self._pieces.append(piece)
        self.size += len(piece)
        return self.size

    def shared(self, piece: bytes) -> int:
        """Put a padded piece, unless it is there; returns its distance from the end."""
        distance = self._distances.get(piece)
        if distance is None:
            self._pieces.append(piece)
            self.size += len(piece)
            distance = self._distances[piece] = self.size
        return distance

    def finish(self, groups: Sequence[int]) -> bytes:
        """Put the root and its vector of groups; returns the whole buffer."""
        count = len(groups)
        size = 16 + 4 * count
        begin = self.size + size + (-size & 7)
        references = [begin - 16 - 4 * n - group for n, group in enumerate(groups)]
        # The reference to the root table, the table, and its vector.
        self.put(pack(f"<IiII{count}I", 4, self._root - begin + 4, 4, count, *references))
        self._pieces.reverse()
        return b"".join(self._pieces)


def vector_of(items: Sequence[tuple[bytes, int]]) -> bytes:
    """A vector of references and the pieces that they refer to: (piece, offset in it)."""
    return vectors_of([items])


def vectors_of(lists: Sequence[Sequence[tuple[bytes, int]]]) -> bytes:
    """Several vectors in sequence, and then the pieces that they refer to."""
    end = sum([4 + 4 * len(items) for items in lists])
    out: list[int] = []
    pieces: list[bytes] = []
    for items in lists:
        out.append(len(items))
        for piece, offset in items:
            out.append(end + offset - 4 * len(out))
            pieces.append(piece)
            end += len(piece)
    return pack(f"<{len(out)}I", *out) + b"".join(pieces)


def padded(piece: bytes) -> bytes:
    """The piece with zeros up to a multiple of eight bytes."""
    return piece + _PADDING[-len(piece) & 7]


def counted(content: bytes) -> bytes:
    """A text or a vector of bytes: its length, itself, and zeros up to a multiple of four."""
    return len(content).to_bytes(4, "little") + content + _PADDING[4 - len(content) % 4]
