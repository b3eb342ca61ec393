"""PlainBuffer: the known buffers, the limits, and the two checksum implementations."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from fastcrc.crc8 import smbus as crc8

from connectors.tablestore.plainbuffer.encode import (
    AUTO_INCREMENT,
    Cell,
    check_row,
    compile_put,
    encode_row,
    wire_row,
)

KEY = [("k", "a")]
KEY_CELL = "0304010000006b05060000000301000000610a51"
VECTORS: dict[str, tuple[Any, Any, Any, str]] = {
    "put": (
        "put",
        KEY,
        [Cell("c", 1)],
        f"7500000001{KEY_CELL}020304010000006305090000000001000000000000000ace0974",
    ),
    "delete": ("delete", KEY, [], f"7500000001{KEY_CELL}08091e"),
    "generated key": (
        "put",
        [*KEY, ("id", AUTO_INCREMENT)],
        [],
        f"7500000001{KEY_CELL}030402000000696405010000000b0a6f0979",
    ),
    "update": (
        "update",
        KEY,
        [
            Cell("c", 1, "put", 1500000000000),
            Cell("d", None, "delete_one", 1400000000000),
            Cell("e", None, "delete_all"),
            Cell("f", 5, "increment"),
        ],
        f"7500000001{KEY_CELL}02"
        "0304010000006305090000000001000000000000000700" + "98f73e5d0100000aaf"
        "0304010000006406030700b080f6450100000a5d"
        "0304010000006506010ab3"
        "030401000000660509000000000500000000000000" + "06040af809eb",
    ),
}


def reference_crc8(data: bytes, seed: int = 0) -> int:
    """CRC-8/SMBUS bit by bit (polynomial 0x07, start 0, no final xor): the oracle of fastcrc's."""
    for byte in data:
        seed ^= byte
        for _ in range(8):
            seed = (seed << 1 ^ 0x107) if seed & 0x80 else seed << 1
    return seed


@pytest.mark.parametrize("name", VECTORS)
def test_known_buffers_are_reproduced(name: str) -> None:
    """A row gives the bytes the service is known to accept, operations and times included."""
    operation, key, cells, expected = VECTORS[name]
    assert encode_row(operation, key, cells).hex() == expected
    check_row(operation, key, cells)


def test_compiled_put_reproduces_the_known_buffer() -> None:
    """The generated encoder gives the known put inside the request's frame, the key apart."""
    identity, wire, operation = compile_put([("k", "string")], [("c", "integer")])("a", 1)
    assert (identity.hex(), operation) == (KEY_CELL, "put")
    assert wire == wire_row("put", bytes.fromhex(VECTORS["put"][3]))


def test_checksum_has_the_published_check_value_and_chains() -> None:
    """Both implementations are CRC-8/SMBUS (check value F4) and go on from a seed."""
    for function in (crc8, reference_crc8):
        assert function(b"123456789") == 0xF4
        assert function(b"") == 0
        assert function(b"", 77) == 77
        assert function(b"6789", function(b"12345")) == 0xF4


def test_both_checksums_agree_on_random_data() -> None:
    """The compiled and the portable checksum are one function, for every seed and many lengths."""
    source = random.Random(8)
    for seed in range(256):
        data = source.randbytes(source.randrange(600))
        assert crc8(data, seed) == reference_crc8(data, seed)


def test_placeholder_is_one_object_after_pickling() -> None:
    """Rows travel between processes: the placeholder stays recognisable by identity."""
    assert pickle.loads(pickle.dumps(AUTO_INCREMENT)) is AUTO_INCREMENT
