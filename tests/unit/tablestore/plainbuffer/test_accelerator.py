"""The compiled encoder: byte for byte what the generated functions give, and the same errors."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from zlib import crc32

import pytest
from fastcrc.crc8 import smbus
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import Operation
from connectors.tablestore.plainbuffer import accelerated, codegen
from connectors.tablestore.plainbuffer.cells import AUTO_INCREMENT, EncodingError, WireType
from connectors.tablestore.plainbuffer.row_source import Layout

pytestmark = pytest.mark.skipif(
    not accelerated.BUILT, reason="the accelerator is not built: it needs a C compiler"
)

# Of each type: values that a column takes, and after them values that it does not.
GOOD: dict[WireType, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "string": st.text(max_size=40) | st.sampled_from(["", "x" * 127, "é" * 300, "y" * 1024]),
    "binary": st.binary(max_size=40) | st.sampled_from([b"z" * 1024]),
    "generated": st.just(AUTO_INCREMENT),
}
ANY = st.one_of(
    *GOOD.values(),
    st.none(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["\ud800", "k" * 1025, b"k" * 1025, "w" * (2 * 1024 * 1024 + 1), [], {}]),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,30}", fullmatch=True)
KEY_TYPES: tuple[WireType, ...] = ("integer", "string", "binary")


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """Any layout that an encoder can be made for."""
    operation: Operation = draw(st.sampled_from(["put", "update", "delete"]))
    names = draw(st.lists(NAMES, min_size=1, max_size=14, unique=True))
    keys = draw(st.integers(1, min(4, len(names))))
    key = [(name, draw(st.sampled_from(KEY_TYPES))) for name in names[:keys]]
    if keys > 1 and operation != "delete" and draw(st.integers(0, 3)) == 0:
        key[-1] = key[-1][0], "generated"
    attributes = [name for name in names[keys:] if operation != "delete"]
    deleted: list[str] = []
    if operation == "update" and attributes:
        deleted = attributes[draw(st.integers(0, len(attributes))) :]
    types: list[WireType] = ["integer", "double", "boolean", "string", "binary"]
    columns = [(name, draw(st.sampled_from(types))) for name in attributes if name not in deleted]
    versioned = draw(st.booleans()) if columns else False
    return codegen.layout_of(key, columns, operation, deleted, versioned=versioned)


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or the error that it raises, as something to compare."""
    try:
        return call()
    except EncodingError as error:
        return error.code, error.reason, error.column
    except Exception as error:  # noqa: BLE001 - whatever one raises, the other has to
        return type(error), str(error)


def values_of(draw: Callable[..., Any], layout: Layout, strategies: dict[Any, Any]) -> list[Any]:
    """Values for each argument of an encoder."""
    version = [draw(st.integers(0, 2**63 - 1))] if layout.versioned else []
    return version + [draw(strategies[column.wire_type]) for column in layout.columns]


@settings(max_examples=100, deadline=None)
@given(layouts(), st.data())
def test_rows_are_those_of_the_generated_function(layout: Layout, data: st.DataObject) -> None:
    """Of every layout, for values that its columns take: identity, row and operation."""
    generated, compiled = codegen.generated(layout), accelerated.encoder_of(layout)
    for _ in range(3):
        values = values_of(data.draw, layout, GOOD)
        assert compiled(*values) == generated(*values)


@settings(max_examples=100, deadline=None)
@given(layouts(), st.data())
def test_it_refuses_what_the_generated_function_refuses(
    layout: Layout, data: st.DataObject
) -> None:
    """Any values, and any number of them: the same row, or the same error in the same words."""
    generated, compiled = codegen.generated(layout), accelerated.encoder_of(layout)
    values = values_of(data.draw, layout, GOOD)
    for position in range(len(values)):
        changed = [*values]
        changed[position] = data.draw(ANY)
        expected = outcome(partial(generated, *changed))
        assert outcome(partial(compiled, *changed)) == expected
    for given_ in (values[:-1], [*values, 1]):
        # The text of a TypeError names the function.
        assert type(outcome(partial(compiled, *given_))) is tuple
        assert type(outcome(partial(generated, *given_))) is tuple


@settings(max_examples=80, deadline=None)
@given(layouts(), st.data())
def test_blocks_are_those_of_the_generated_function(layout: Layout, data: st.DataObject) -> None:
    """The same layouts have blocks; they are equal, and no block has a row that is not accepted."""
    generated, compiled = codegen.generated(layout), accelerated.encoder_of(layout)
    assert (generated.block is None) == (compiled.block is None)
    if generated.block is None or compiled.block is None:
        return
    rows = [values_of(data.draw, layout, GOOD)[1:] for _ in range(data.draw(st.integers(0, 5)))]
    first = data.draw(GOOD[layout.columns[0].wire_type])
    seconds, others = [row[0] for row in rows], [row[1:] for row in rows]
    assert compiled.block(first, seconds, others) == generated.block(first, seconds, others)
    lazily = compiled.block(first, iter(seconds), map(tuple, others))  # type: ignore[arg-type]
    assert lazily == generated.block(first, seconds, others)
    if rows:
        others[-1][data.draw(st.integers(0, len(others[-1]) - 1))] = object()
        for block in (generated.block, compiled.block):
            with pytest.raises(EncodingError):
                block(first, seconds, others)
        for wrong in (others[:-1], [*others[:-1], rows[-1]]):
            with pytest.raises((EncodingError, ValueError)):
                compiled.block(first, seconds, wrong)


@settings(max_examples=80, deadline=None)
@given(layouts(), st.data())
def test_values_in_another_order(layout: Layout, data: st.DataObject) -> None:
    """An encoder takes its values from any positions, and leaves others out."""
    generated, compiled = codegen.generated(layout), accelerated.encoder_of(layout)
    values = values_of(data.draw, layout, GOOD)
    arguments = len(values) + data.draw(st.integers(0, 3))
    positions = data.draw(st.permutations(range(arguments)))[: len(values)]
    given_: list[object] = [object()] * arguments
    for position, value in zip(positions, values, strict=True):
        given_[position] = value
    other = compiled.rearranged(positions, arguments)  # type: ignore[attr-defined]
    assert other(*given_) == generated(*values)
    assert other.block is None
    given_[positions[-1]] = bad = data.draw(ANY)
    changed = [*values[:-1], bad]
    assert outcome(partial(other, *given_)) == outcome(partial(generated, *changed))
    with pytest.raises(ValueError, match="positions"):
        compiled.rearranged([*positions[:-1], arguments], arguments)  # type: ignore[attr-defined]


@settings(max_examples=80, deadline=None)
@given(layouts(), layouts(), st.data())
def test_many_rows_by_shard(one: Layout, other: Layout, data: st.DataObject) -> None:
    """The rows of each shard are those that zlib's CRC-32 of the identities sends there, in order.

    Whoever encodes a row: its own encoder or that of all, compiled or generated; and however its
    values are given.
    """
    from connectors.tablestore.plainbuffer._accelerator import encode_by_shard as divide

    makers = [accelerated.encoder_of, codegen.generated]
    seed, shards = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.integers(1, 9))
    same = data.draw(st.booleans())
    encoders: list[Any] = []
    rows: list[tuple[Any, ...]] = []
    compiled: list[Any] = [make(layout) for layout in (one, other) for make in makers]
    for _ in range(data.draw(st.integers(0, 12))):
        which = 0 if same else data.draw(st.integers(0, 3))
        encoders.append(compiled[which])
        rows.append(tuple(values_of(data.draw, (one, one, other, other)[which], GOOD)))
    expected: dict[int, list[tuple[bytes, bytes, str, int]]] = {}
    for position, (encode, row) in enumerate(zip(encoders, rows, strict=True)):
        identity, wire, operation = encode(*row)
        shard = crc32(identity, seed) % shards
        expected.setdefault(shard, []).append((identity, wire, operation, position))
    lead = data.draw(st.integers(0, min(map(len, rows), default=0)))
    leads = [row[:lead] for row in rows] if data.draw(st.booleans()) or lead else None
    found = divide(
        compiled[0] if same else encoders, leads, [[*row[lead:]] for row in rows], seed, shards
    )
    assert [shard for shard, *_ in found] == sorted(expected)
    for shard, identities, wire, sizes, operations, positions in found:
        wanted = expected[shard]
        assert identities == [each for each, _, _, _ in wanted]
        assert wire == b"".join(each for _, each, _, _ in wanted)
        assert sizes == [len(each) for _, each, _, _ in wanted]
        assert operations == [each for _, _, each, _ in wanted]
        assert positions == [each for _, _, _, each in wanted]
    if rows:
        with pytest.raises(ValueError, match="numbers"):
            divide(compiled[0], [(), *[()] * len(rows)], rows, seed, shards)


@pytest.mark.parametrize("size", [100, 127, 128, 16_383, 16_384, 2_097_152])
def test_frames_of_every_length(size: int) -> None:
    """Lengths on both sides of a byte more, in each of the two lengths of a row's frame."""
    layout = codegen.layout_of([("k", "binary"), ("o", "integer")], [("v", "binary")])
    generated, compiled = codegen.generated(layout), accelerated.encoder_of(layout)
    assert generated.block is not None
    assert compiled.block is not None
    for length in range(max(0, size - 80), min(size + 1, 2_097_152) + 1):
        if length > 2_000_000 and length % 16:
            continue
        value = bytes(length)
        assert compiled(b"", 7, value) == generated(b"", 7, value)
        rows = [[value], [b""], [value]]
        assert compiled.block(b"", range(3), rows) == generated.block(b"", range(3), rows)


def test_a_row_too_large_for_any_request() -> None:
    """It is refused with the size in the text, as by the generated function."""
    columns: list[tuple[str, WireType]] = [(f"c{at}", "string") for at in range(4)]
    layout = codegen.layout_of([("k", "string")], columns)
    values = ["k", *(["v" * (2 * 1024 * 1024)] * 4)]
    expected = outcome(lambda: codegen.generated(layout)(*values))
    assert outcome(lambda: accelerated.encoder_of(layout)(*values)) == expected
    assert expected[0] == "row_size"  # type: ignore[index]


@given(st.binary(max_size=70), st.integers(0, 255))
def test_checksums(data: bytes, seed: int) -> None:
    """They are those of the library, of every length."""
    from connectors.tablestore.plainbuffer import _accelerator

    assert _accelerator.crc8(data, seed) == smbus(data, seed)
    assert _accelerator.crc32(data, seed) == crc32(data, seed)


@pytest.mark.parametrize(("variable", "used"), [("off", False), ("OFF", False), ("", True)])
def test_it_can_be_switched_off(variable: str, used: bool) -> None:
    """By the environment, without a change of any row."""
    program = (
        "from connectors.tablestore.plainbuffer import accelerated;"
        "made = accelerated.compile_put([('k', 'string')], [('v', 'integer')]);"
        "print(accelerated.in_use(), hasattr(made, '__source__'), made('a', 1)[1].hex())"
    )
    environment = {accelerated.VARIABLE: variable}
    out = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    in_use, generated, row = out.stdout.split()
    assert (in_use, generated) == (str(used), str(not used))
    layout = codegen.layout_of([("k", "string")], [("v", "integer")])
    assert bytes.fromhex(row) == codegen.generated(layout)("a", 1)[1]
    assert struct.pack("<q", 1) in bytes.fromhex(row)


def test_nothing_is_kept_of_what_was_encoded() -> None:
    """Many rows and many errors later, the values have as many references as before."""
    layout = codegen.layout_of([("k", "string"), ("o", "integer")], [("v", "string")])
    encoder = accelerated.encoder_of(layout)
    assert encoder.block is not None
    text, bad = "".join(["v"] * 50), object()
    row: Sequence[object] = (text,)
    before = [sys.getrefcount(value) for value in (text, bad, row)]
    for number in range(1000):
        encoder("k", number, text)
        encoder.block("k", [number], [row])
        outcome(lambda: encoder("k", 1, bad))
        outcome(lambda: encoder.block("k", [1], [(bad,)]))  # type: ignore[misc]
    assert [sys.getrefcount(value) for value in (text, bad, row)] == before
