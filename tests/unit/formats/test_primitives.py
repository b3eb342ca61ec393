"""Plain values, and functions of the user's own."""

import struct
from collections.abc import Callable
from typing import Any

import pytest

from connectors.errors import Rejection, StopRun
from tests.unit.factories import CANARY
from tests.unit.formats.conftest import Decode

MakeDecoder = Callable[..., Decode]


@pytest.mark.parametrize(
    ("word", "data", "value"),
    [
        ("string", "é\0".encode(), "é\0"),
        ("string", b"", ""),
        ("bytes", b"\xff\0", b"\xff\0"),
        ("integer", struct.pack(">i", -5), -5),
        ("long", struct.pack(">q", -(2**63)), -(2**63)),
        ("double", struct.pack(">d", 1.5), 1.5),
    ],
)
def test_as_kafkas_serializers_write_them(
    decoder: MakeDecoder, word: str, data: bytes, value: Any
) -> None:
    """Big-endian numbers of fixed size, UTF-8 text."""
    assert decoder(word)(data) == value


@pytest.mark.parametrize(
    ("word", "data"),
    [("string", b"\xff"), ("integer", b"\0" * 8), ("long", b""), ("double", b"1.5")],
)
def test_what_is_none_is_rejected(decoder: MakeDecoder, word: str, data: bytes) -> None:
    """With the length that it should have."""
    with pytest.raises(Rejection) as caught:
        decoder(word)(data)
    assert caught.value.code.startswith(word)


def backwards(data: bytes) -> str:
    """A decoder function of a user."""
    if data == b"reject":
        raise Rejection("mine", "of no use")
    return data.decode()[::-1]


def test_a_function_of_the_user(decoder: MakeDecoder) -> None:
    """What it raises rejects the record; the text of the error, which may hold data, stays away."""
    decode = decoder(f"{__name__}:backwards")
    assert decode(b"abc") == "cba"
    with pytest.raises(Rejection) as caught:
        decode(CANARY.encode() + b"\xff")
    assert caught.value.code == "format_failed"
    assert "UnicodeDecodeError" in caught.value.reason
    assert CANARY not in caught.value.reason
    with pytest.raises(Rejection) as caught:
        decode(b"reject")
    assert caught.value.code == "mine"


def test_a_function_that_is_not_there(decoder: MakeDecoder) -> None:
    """A decoder function that does not exist stops the run at its start."""
    with pytest.raises(StopRun, match=r"format\.value"):
        decoder("nowhere.at_all:f")
