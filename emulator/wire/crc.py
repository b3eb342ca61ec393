"""CRC-8/SMBUS (polynomial 0x07, initial value 0), the checksum of PlainBuffer cells and rows."""

from collections.abc import Callable


def _make_table() -> bytes:
    table = bytearray()
    for value in range(256):
        for _ in range(8):
            value = ((value << 1) ^ 0x07) & 0xFF if value & 0x80 else value << 1
        table.append(value)
    return bytes(table)


_TABLE = _make_table()


def crc8_table(data: bytes, initial: int = 0) -> int:
    """Return the checksum of `data`, chained from `initial`; plain Python, for any platform."""
    table = _TABLE
    for byte in data:
        initial = table[initial ^ byte]
    return initial


def _choose() -> Callable[[bytes, int], int]:
    try:
        from fastcrc import crc8 as fast  # noqa: PLC0415 - optional where it has no wheel
    except ImportError:
        return crc8_table
    smbus: Callable[[bytes, int], int] = fast.smbus
    return smbus


crc8 = _choose()
"""The fastest checksum this installation has: `crc8(data, initial)`."""
