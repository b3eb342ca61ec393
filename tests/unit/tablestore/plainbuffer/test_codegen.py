"""The generated encoder: the rows of the generic one, whatever it remembers and forgets."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from connectors.records import Operation
from connectors.tablestore.plainbuffer import cell_cache, codegen
from connectors.tablestore.plainbuffer.codegen import LATER_MISSES, TRIAL_ROWS, compile_put
from connectors.tablestore.plainbuffer.encode import (
    Cell,
    EncodingError,
    WireType,
    encode_row,
    wire_row,
)


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


TYPES: dict[str, list[Any]] = {
    "string": ["", "a", "ключ", "s" * 300],
    "integer": [0, -1, 2**63 - 1],
    "double": [0.0, -1.5, 1e300],
    "boolean": [True, False],
    "binary": [b"", b"\x00\xff"],
}
# None of them fits its column, so the row is not accepted.
BAD: dict[str, Any] = {
    "string": 1,
    "integer": 2**63,
    "double": float("nan"),
    "boolean": "x",
    "binary": "x",
}


@pytest.mark.parametrize("operation", ["put", "update"])
def test_a_block_of_rows_is_what_its_rows_are(
    monkeypatch: pytest.MonkeyPatch, operation: Operation
) -> None:
    """Byte for byte, in a trial and after it; with one bad value there is no row of the block."""
    monkeypatch.setattr(codegen, "TRIAL_ROWS", 50)
    monkeypatch.setattr(codegen, "LATER_MISSES", 100)
    source = random.Random(7)
    for _ in range(30):
        types = source.choices([*TYPES], k=source.randrange(1, 8))
        columns = [(f"c{number}", cast(WireType, name)) for number, name in enumerate(types)]
        keys: list[tuple[str, WireType]] = [("topic", "string"), ("offset", "integer")]
        one, encode = (compile_put(keys, columns, operation) for _ in range(2))
        assert encode.block is not None
        for start in range(0, 400, 20):
            offsets = [*range(start, start + 20)]
            rows = [[source.choice(TYPES[name]) for name in types] for _ in offsets]
            expected = [
                one("orders_0", offset, *row)[1] for offset, row in zip(offsets, rows, strict=True)
            ]
            assert encode.block("orders_0", offsets, rows) == (
                b"".join(expected),
                [*map(len, expected)],
            )
            column = source.randrange(len(types))
            source.choice(rows)[column] = BAD[types[column]]
            with pytest.raises(EncodingError):
                encode.block("orders_0", offsets, rows)


def test_only_keys_of_two_columns_come_in_blocks() -> None:
    """Others are encoded row by row."""
    assert compile_put([("k", "string")], [("c", "string")]).block is None
    assert compile_put([("a", "string"), ("b", "string"), ("c", "string")], []).block is None
