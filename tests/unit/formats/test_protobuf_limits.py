"""Protobuf: few bytes may not become very much; the count reads what the library reads."""

import functools
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import Rejection
from connectors.formats import protobuf_limits
from tests.unit.formats.conftest import MakeDecoder, framed
from tests.unit.formats.protobuf_messages import ORDER_INDEX, message_class, order_file


def test_depth_is_bounded(order: int, decoder: MakeDecoder) -> None:
    """A message in itself, thousands deep."""
    body = b""
    for _ in range(3000):
        length, size = len(body), b""
        while length > 0x7F:
            size += bytes([length & 0x7F | 0x80])
            length >>= 7
        body = b"\x72" + size + bytes([length]) + body
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert caught.value.code == "protobuf_invalid"


def varint(number: int) -> bytes:
    """A number as the bytes of a varint."""
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize(
    "body",
    [
        b"\x32\0" * 600_000,  # lines of two bytes, each an object
        b"\x3a\0" * 600_000,  # entries of a map
        b"\x80\x7d\x01" * 1_000_001,  # fields that the schema does not know
        b"\x4a" + varint(2_000_000) + b"\x0a\0" * 1_000_000,  # fields of a Struct
        b"\x82\x7d\x00" * 400_000 + b"\x72\0" * 400_000,
    ],
    ids=["items", "entries", "unknown", "struct", "merged"],
)
def test_few_bytes_may_not_become_very_many_fields(
    order: int, decoder: MakeDecoder, body: bytes
) -> None:
    """Counted before the library makes room for them."""
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert caught.value.code == "protobuf_values"


def test_long_messages_below_the_limit_are_read(order: int, decoder: MakeDecoder) -> None:
    """All types of fields are counted, also unknown groups."""
    made = message_class(order_file(), "shop.Order")(text="x" * 100_000, raw=b"\xff" * 100_000)
    for number in range(60_000):
        made.lines.add(n=number)
    made.tags.update({str(number): number for number in range(1000)})
    unknown = b"\xfb\x01\x08\x01\x0b\x0c\xfc\x01" + b"\xfd\x01abcd" + b"\xf9\x01abcdefgh"
    body = unknown + made.SerializeToString() + unknown
    found = decoder("protobuf")(framed(order, ORDER_INDEX + body))
    assert len(found["lines"]) == 60_000
    assert found["tags"]["999"] == 999
    assert len(found["raw"]) == 100_000


@given(st.binary(max_size=60))
def test_the_count_takes_what_the_library_takes(data: bytes) -> None:
    """Bytes that parse are never refused for being counted, but for tags longer than need be."""
    cls = message_class_of_order()
    walk = protobuf_limits._Walk(data)
    kind = protobuf_limits._type(cls.DESCRIPTOR, {})
    try:
        cls.FromString(data)
    except DecodeError:
        return
    walk.message(kind, len(data), 0)


@functools.cache
def message_class_of_order() -> Any:
    """The generated class of the message `Order`, made once."""
    return message_class(order_file(), "shop.Order")
