"""PlainBuffer: the known buffers, the limits, and the two checksum implementations."""

from __future__ import annotations

import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastcrc.crc8 import smbus as crc8

from connectors.tablestore.plainbuffer import cell_cache, codegen
from connectors.tablestore.plainbuffer.codegen import LATER_MISSES, TRIAL_ROWS
from connectors.tablestore.plainbuffer.encode import (
    AUTO_INCREMENT,
    Cell,
    check_row,
    compile_put,
    encode_row,
    wire_row,
)
from connectors.tablestore.requests import batch_body

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


def test_frames_of_a_request() -> None:
    """A request is nested fields: a name and rows a table; operation, bytes, condition a row."""
    row = wire_row("delete", b"xyz")
    assert row.hex() == "120b" + "0803" + "1203" + b"xyz".hex() + "1a020800"
    assert batch_body([("t", [row, row]), ("uv", [])]).hex() == (
        "0a1d" + "0a0174" + row.hex() * 2 + "0a04" + "0a027576"
    )
    assert batch_body([]) == b""


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


def test_column_names_are_no_source_text() -> None:
    """No name of a table's column occurs in the generated source, which is kept for reading."""
    encode = compile_put([("import_os", "string")], [("crc8", "string"), ("print_it", "integer")])
    assert "import_os" not in encode.__source__
    assert "print_it" not in encode.__source__
    assert encode("a", "b", 1)[1] == wire_row(
        "put", encode_row("put", [("import_os", "a")], [Cell("crc8", "b"), Cell("print_it", 1)])
    )


def test_what_an_encoder_remembers_never_shows() -> None:
    """Through its trial, after it, and when the values change their nature, rows stay the same.

    The trial ends with only the repeating column remembered; when that column no longer repeats,
    it is held again and ends with the other one remembered.
    """
    encode = compile_put([("k", "string")], [("few", "string"), ("many", "string")])

    def feed(first: int, rows: int, turned: bool) -> None:
        for number in range(first, first + rows):
            few, many = f"s{number % 7}", f"ключ-{number}"
            values = (many, few) if turned else (few, many)
            cells = [Cell("few", values[0]), Cell("many", values[1])]
            row = encode_row("put", [("k", "p")], cells)
            assert encode("p", *values) == (row[5:25], wire_row("put", row), "put")

    assert "trial()" in encode.__source__
    feed(0, TRIAL_ROWS + 1, turned=False)
    assert "trial()" not in encode.__source__
    assert "cells_value0" in encode.__source__
    assert "cells_value1" not in encode.__source__
    feed(0, LATER_MISSES + 10, turned=True)
    assert "trial()" in encode.__source__
    feed(0, TRIAL_ROWS, turned=True)
    assert "trial()" not in encode.__source__
    assert "cells_value0" not in encode.__source__
    assert "cells_value1" in encode.__source__


def test_an_encoder_may_be_shared_by_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of one process share encoders: trials that begin and end meanwhile change no row."""
    monkeypatch.setattr(codegen, "TRIAL_ROWS", 40)
    monkeypatch.setattr(codegen, "LATER_MISSES", 100)
    encode = compile_put([("k", "string")], [("few", "string"), ("many", "string")])
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def feed(worker: int) -> list[str]:
        wrong = []
        for number in range(2000):
            values = f"{number % 5}", f"{worker}-{number}"
            if number // 500 % 2:
                values = values[1], values[0]
            cells = [Cell("few", values[0]), Cell("many", values[1])]
            if encode("p", *values)[1] != wire_row("put", encode_row("put", [("k", "p")], cells)):
                wrong.append(values[0])
        return wrong

    try:
        with ThreadPoolExecutor(4) as workers:
            assert [*workers.map(feed, range(4))] == [[]] * 4
    finally:
        sys.setswitchinterval(interval)


def test_what_encoders_remember_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """All encoders share one room; without room they give the same rows."""
    monkeypatch.setattr(cell_cache.Budget, "left", 100)
    for table in range(20):
        encode = compile_put([("k", "string")], [(f"c{table}", "string")])
        for size in range(30):
            row = encode_row("put", [("k", "p")], [Cell(f"c{table}", "x" * size)])
            assert encode("p", "x" * size)[1] == wire_row("put", row)
            assert 0 <= cell_cache.Budget.left <= 100
    assert cell_cache.Budget.left == 0


def test_identity_tells_keys_apart() -> None:
    """Equal keys have equal identities, other keys other ones, whatever the attributes are."""
    encode = compile_put([("k", "string"), ("n", "integer")], [("a", "string")])
    seen = {encode(k, n, "x")[0] for k in ("", "a", "b", "ab") for n in (-1, 0, 1, 256)}
    assert len(seen) == 16
    assert encode("a", 1, "x")[0] == encode("a", 1, "y")[0]


def test_placeholder_is_one_object_after_pickling() -> None:
    """Rows travel between processes: the placeholder stays recognisable by identity."""
    assert pickle.loads(pickle.dumps(AUTO_INCREMENT)) is AUTO_INCREMENT
