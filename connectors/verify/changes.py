"""Row changes on disk, divided by their key, so that each part fits into memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple
from zlib import crc32

from connectors.records import Operation

_HEAD = struct.Struct("<IIHBBqII")
_OPERATIONS: tuple[Operation, ...] = ("put", "update", "delete")
_PARTS = 64
# A part that is larger is divided once more; a row takes about five times its bytes in memory.
_MAX_BYTES = 8 << 20
_BUFFER = 1 << 16


# The ordinal of records behind the selection: nothing is said of them, but they may supersede.
NO_ORDINAL = 0xFFFFFFFF


class Standing(IntEnum):
    """How sure it is that a change was applied."""

    APPLIED = 0
    PENDING = 1  # its offset is not committed
    DEAD_LETTERED = 2  # unless it was replayed


class Change(NamedTuple):
    """A row of a record."""

    ordinal: int
    """Of its record, or NO_ORDINAL."""
    source: int
    """Its partition, as an index of the ranges."""
    table: int
    """As an index of the tables."""
    operation: Operation
    standing: Standing
    time: int
    """The record's timestamp in ms since 1970; 0 without one."""
    identity: bytes
    wire: bytes


class Spill:
    """Files of changes. All changes of a key are in one file, in the order of their adding."""

    def __init__(self, folder: Path, name: str = "part", *, deeper: bool = False) -> None:
        """`deeper`: of the changes of one part, which other bits of the hash divide."""
        self._folder = folder
        self._deeper = deeper
        self._paths = [folder / f"{name}-{number}" for number in range(_PARTS)]
        self._files: list[BinaryIO] = [path.open("wb", _BUFFER) for path in self._paths]
        self.bytes = 0
        self.number = _PARTS

    def add(self, change: Change, group: bytes) -> None:
        """Add a change; changes of one `group` stay together where they fit into memory."""
        ordinal, source, table, operation, standing, time, identity, wire = change
        data = (
            _HEAD.pack(
                ordinal,
                source,
                table,
                _OPERATIONS.index(operation),
                standing,
                time,
                len(identity),
                len(wire),
            )
            + identity
            + wire
        )
        self.bytes += len(data)
        self._files[(crc32(group) >> 8 * self._deeper) % _PARTS].write(data)

    def parts(self) -> Iterator[Iterator[Change]]:
        """The changes of each part; its file is removed afterwards."""
        for file in self._files:
            file.close()
        for path in self._paths:
            if path.stat().st_size > _MAX_BYTES and not self._deeper:
                # By the whole key, for groups of many keys. One key alone takes little memory.
                deeper = Spill(self._folder, path.name, deeper=True)
                for change in _read(path):
                    deeper.add(change, change.identity)
                path.unlink()
                yield from deeper.parts()
            else:
                yield _read(path)
                path.unlink()


def _read(path: Path) -> Iterator[Change]:
    with path.open("rb", _BUFFER) as file:
        while head := file.read(_HEAD.size):
            ordinal, source, table, operation, standing, time, key_size, size = _HEAD.unpack(head)
            yield Change(
                ordinal,
                source,
                table,
                _OPERATIONS[operation],
                Standing(standing),
                time,
                file.read(key_size),
                file.read(size),
            )
