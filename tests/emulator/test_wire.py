"""PlainBuffer: the published vectors, every refusal, and that no bytes can do worse than a 400."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import limits
from emulator.errors import ServiceError
from emulator.wire import columns
from emulator.wire import plainbuffer as pb
from emulator.wire.crc import crc8, crc8_table
from emulator.wire.decoder import decode_row

KEY = [(b"k", pb.wire_value("a"))]
PUT = bytes.fromhex(
    "75000000010304010000006b05060000000301000000610a51"
    "02030401000000630509000000000100000000000000" + "0ace0974"
)
DELETE = bytes.fromhex("75000000010304010000006b05060000000301000000610a5108091e")
AUTO = bytes.fromhex(
    "75000000010304010000006b05060000000301000000610a510304020000006964" + "05010000000b0a6f0979"
)
UPDATE = bytes.fromhex(
    "75000000010304010000006b05060000000301000000610a51"
    "02030401000000630509000000000100000000000000070098f73e5d0100000aaf"
    "0304010000006406030700b080f6450100000a5d0304010000006506010ab3"
    "030401000000660509000000000500000000000000" + "06040af809eb"
)


def refusal(buffer: bytes) -> str:
    with pytest.raises(ServiceError) as caught:
        decode_row(buffer)
    assert caught.value.code == "OTSParameterInvalid"
    assert caught.value.status == 400
    return caught.value.message


def test_a_put_is_decoded() -> None:
    found = decode_row(PUT)
    assert found.key == KEY
    assert found.cells == [(b"c", pb.PUT, pb.integer(1), None)]
    assert found.plain is not None
    assert not found.delete_marker


def test_a_delete_is_decoded() -> None:
    found = decode_row(DELETE)
    assert (found.key, found.cells, found.delete_marker) == (KEY, [], True)


def test_an_auto_increment_key_is_decoded() -> None:
    assert decode_row(AUTO).key[1] == (b"id", b"\x0b")


def test_all_operations_of_an_update_are_decoded() -> None:
    found = decode_row(UPDATE)
    assert found.cells == [
        (b"c", pb.PUT, pb.integer(1), 1500000000000),
        (b"d", pb.DELETE_ONE, None, 1400000000000),
        (b"e", pb.DELETE_ALL, None, None),
        (b"f", pb.INCREMENT, pb.integer(5), None),
    ]
    assert found.plain is None


def test_the_encoder_makes_the_published_bytes() -> None:
    assert pb.HEADER + pb.encode_row(KEY, [(b"c", None, pb.integer(1))]) == PUT


def test_crc8_has_the_check_value_of_its_catalogue_entry() -> None:
    """CRC-8/SMBUS of "123456789" is 0xF4 in every catalogue."""
    assert crc8(b"123456789", 0) == crc8_table(b"123456789") == 0xF4


@given(st.binary(max_size=300), st.integers(0, 255))
def test_the_fast_and_the_plain_checksum_agree(data: bytes, initial: int) -> None:
    assert crc8(data, initial) == crc8_table(data, initial)


@pytest.mark.parametrize(
    ("buffer", "text"),
    [
        (b"", "Cell data broken, mismatch header, actual: 0, expect: 117."),
        (b"\x76" + PUT[1:], "Cell data broken, mismatch header, actual: 118, expect: 117."),
        (PUT[:4] + b"\x02" + PUT[5:], "Cell data broken, mismatch tag, actual tag(2), expect(1)."),
        (PUT[:4], "Cell data broken, row is not end with checksum tag."),
        (PUT[:-1], "Cell data broken, row is not end with checksum tag."),
        (PUT[:-2] + b"\x05\x00", "Cell data broken, row is not end with checksum tag."),
        (PUT + b"\x00\x01", "Cell data broken, has more data in cell, but they can't be parsed."),
        (PUT[:-1] + b"\x75", "Cell data broken, checksum is mismatch, 117:116:"),
        (PUT[:-3] + b"\x00\x09\x74", "Cell data broken, checksum is mismatch, 0:206:"),
        (b"\x75\0\0\0\x01\x09\x00", "Cell data broken, empty PK."),
        (PUT[:5] + b"\x03\x05" + PUT[7:], "Cell data broken, attr has no name."),
        (PUT[:26] + b"\x09\x00", "Cell data broken, no Cells follow CellTag."),
    ],
)
def test_broken_buffers_are_named(buffer: bytes, text: str) -> None:
    assert refusal(buffer) == text


def encoded(value: bytes, name: bytes = b"c", timestamp: int | None = None) -> bytes:
    return pb.HEADER + pb.encode_row(KEY, [(name, timestamp, value)])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pb.wire_value(float("nan")), "NaN can't be set to double value."),
        (pb.wire_value(float("inf")), "Infinity can't be set to double value."),
        (pb.wire_value(float("-inf")), "Infinity can't be set to double value."),
        (pb.text(b"\xff"), "Value of column c must be UTF8 encoding."),
        (b"\x03\x02\0\0\0a", "Cell data broken, wrong string format, size: 6."),
        (b"\x00\x01", "Cell data broken, wrong integer format, size: 2."),
        (b"\x01\x01", "Cell data broken, wrong double format, size: 2."),
        (b"\x02\x02", "Invalid boolean real value, value length: 1."),
        (b"\x08", "data format is invalid, unknown variant type occured."),
        (b"", "Cell data broken, no valid element in Cell, name: c."),
    ],
)
def test_values_the_service_refuses_are_named(value: bytes, text: str) -> None:
    assert refusal(encoded(value)) == text


@pytest.mark.parametrize("value", [1.7976931348623157e308, -0.0, 5e-324])
def test_every_finite_double_is_taken(value: float) -> None:
    assert decode_row(encoded(pb.wire_value(value))).cells[0][2] == pb.wire_value(value)


@pytest.mark.parametrize("name", [b"#a", b"#", b"a" * 256, b"\xff"])
def test_bad_column_names_are_refused(name: bytes) -> None:
    assert refusal(encoded(pb.integer(1), name)).startswith("Invalid column name: '")


@pytest.mark.parametrize("name", [b"1b", b"a-b", b"b" * 256, "é".encode(), b"a b"])
def test_names_outside_the_guide_are_refused_where_it_rules(name: bytes) -> None:
    limits.configure(any_column_name=False, max_filters=limits.FILTERS)
    try:
        bad = encoded(pb.integer(1), name)
        assert refusal(bad).startswith("Invalid column name: '")
    finally:
        limits.configure(any_column_name=True, max_filters=limits.FILTERS)


def test_an_empty_column_name_is_refused() -> None:
    assert refusal(encoded(pb.integer(1), b"")) == "invalid name of column: empty name."


def test_a_key_value_is_limited_to_1024_bytes() -> None:
    assert decode_row(pb.HEADER + pb.encode_row([(b"pk_0", pb.text(b"x" * 1024))]))
    assert refusal(pb.HEADER + pb.encode_row([(b"pk_0", pb.text(b"x" * 1025))])) == (
        "The length of primary key column: 'pk_0' exceeds the MaxLength:1024"
        " with CurrentLength:1025."
    )


def test_zeros_after_a_row_are_ignored() -> None:
    """The Node.js SDK pads buffers with infinite or generated key values."""
    assert decode_row(PUT + b"\0\0") == decode_row(PUT)


def test_extension_tags_are_skipped() -> None:
    """They occur in streams and backups; a row that carries one is still that row."""
    extended = PUT[:-2] + b"\x0b\x03\0\0\0abc" + PUT[-2:]
    assert decode_row(extended).cells == decode_row(PUT).cells


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=40),
    st.binary(max_size=40),
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True).map(str.encode)
CELLS = st.lists(
    st.tuples(NAMES, st.none() | st.integers(0, 2**53), VALUES.map(pb.wire_value)), max_size=6
)


@given(CELLS)
def test_what_is_encoded_is_decoded(cells: list[tuple[bytes, int | None, bytes]]) -> None:
    found = decode_row(pb.HEADER + pb.encode_row(KEY, cells))
    assert found.cells == [(name, pb.PUT, value, stamp) for name, stamp, value in cells]


@given(st.sampled_from([PUT, DELETE, AUTO, UPDATE]), st.data())
def test_mutated_buffers_are_refused_or_read_but_never_crash(
    buffer: bytes, data: st.DataObject
) -> None:
    """Whatever the bytes are, the decoder's only exception is a ServiceError."""
    changed = bytearray(buffer)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(changed) - 1))
        action = data.draw(st.sampled_from(["set", "delete", "insert", "cut"]))
        if action == "set":
            changed[position] = data.draw(st.integers(0, 255))
        elif action == "delete" and len(changed) > 1:
            del changed[position]
        elif action == "insert":
            changed.insert(position, data.draw(st.integers(0, 255)))
        elif position:
            del changed[position:]
    with contextlib.suppress(ServiceError):
        decode_row(bytes(changed))


@given(st.integers(8 * 25, 8 * len(PUT) - 1))
def test_every_flipped_bit_of_a_cell_is_noticed(bit: int) -> None:
    """A cell's checksum finds all single-bit errors, so none can change a row."""
    changed = bytearray(PUT)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ServiceError):
        decode_row(bytes(changed))


def outcome(buffer: bytes, inner: bool) -> pb.RowChange | str:
    try:
        return decode_row(buffer, inner)
    except ServiceError as error:
        return error.message


FEW_NAMES = st.sampled_from([b"a", b"b", b"bb", b"_#h", b"a:d", b"c" * 300, b""])
FEW_VALUES = VALUES.map(pb.wire_value) | st.sampled_from(
    [b"", b"\x09", b"\x0b", b"\x01" + b"\xff" * 8]
)
FEW_CELLS = st.lists(st.tuples(FEW_NAMES, st.none() | st.just(7), FEW_VALUES), max_size=4)


@given(st.lists(st.tuples(FEW_CELLS, st.booleans(), st.none() | st.integers(0, 200)), max_size=6))
def test_rows_decoded_before_do_not_change_what_a_row_is(
    rows: list[tuple[list[tuple[bytes, int | None, bytes]], bool, int | None]],
) -> None:
    """The decoder expects the columns and types of the rows before; it must not rely on them."""
    made = []
    for cells, inner, flipped in rows:
        raw = bytearray(pb.HEADER + pb.encode_row(KEY, cells))
        if flipped is not None:
            raw[flipped % len(raw)] ^= 1
        made.append((bytes(raw), inner))
    alone = []
    for buffer, inner in made:
        columns.forget()
        alone.append(outcome(buffer, inner))
    columns.forget()
    assert [outcome(*one) for one in made * 2] == alone * 2


@pytest.mark.parametrize("first", [1, 1.5, True, "text", "é", b"\x00"])
@pytest.mark.parametrize("second", [-(2**63), 2.5, False, "", "é" * 20, b"\xff" * 9])
def test_a_column_may_change_its_type_from_row_to_row(
    first: int | float | bool | str | bytes, second: int | float | bool | str | bytes
) -> None:
    for value in (first, second, first, first, second):
        found = decode_row(encoded(pb.wire_value(value)))
        assert found.cells == [(b"c", pb.PUT, pb.wire_value(value), None)]
        assert found.plain is not None


def test_only_so_many_columns_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names come from clients: without a bound they would fill the memory."""
    monkeypatch.setattr(columns, "_MAX", 10)
    for number in range(100):
        name = f"column_{number}".encode()
        for _ in range(2):
            assert decode_row(encoded(pb.integer(number), name)).cells[0][0] == name
        assert len(columns.KNOWN) <= 10
