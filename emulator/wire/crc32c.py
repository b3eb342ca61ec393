"""CRC-32C (Castagnoli), the checksum over the rows of PutTimeseriesData."""

from collections.abc import Callable


def _make_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _make_table()


def crc32c_table(data: bytes) -> int:
    """Return the checksum of `data`; plain Python, for any platform."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _choose() -> Callable[[bytes], int]:
    try:
        from fastcrc import crc32 as fast  # noqa: PLC0415 - optional where it has no wheel
    except ImportError:
        return crc32c_table
    iscsi: Callable[[bytes], int] = fast.iscsi
    return iscsi


crc32c = _choose()
"""The fastest checksum this installation has: `crc32c(data)`, unsigned."""
