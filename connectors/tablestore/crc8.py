"""CRC-8 as PlainBuffer uses it, also known as CRC-8/SMBUS: polynomial 0x07, start 0, no final xor.

Half of the time of encoding a row is spent here, so the compiled version of `fastcrc` is used
where the platform has a wheel. The table-driven version gives the same answers at a tenth of the
speed.
"""

from __future__ import annotations

from collections.abc import Callable


def _table(polynomial: int) -> bytes:
    """Return the 256 checksums of the single bytes 0..255."""
    table = bytearray()
    for value in range(256):
        for _ in range(8):
            value = (value << 1) ^ polynomial if value & 0x80 else value << 1
        table.append(value & 0xFF)
    return bytes(table)


_TABLE = _table(0x107)


def crc8_portable(data: bytes, seed: int = 0) -> int:
    """Return the CRC-8 of `data`, going on from `seed` (the checksum of what came before it)."""
    table = _TABLE
    for byte in data:
        seed = table[seed ^ byte]
    return seed


crc8: Callable[..., int]
try:
    from fastcrc.crc8 import smbus as crc8
except ImportError:  # no wheel for this platform
    crc8 = crc8_portable
