"""JSON: bytes of a key or value to Python values.

msgspec keeps integers of any size exact and refuses NaN, infinities and lone surrogates, where
other decoders turn 2^64 into a float without a word. Of a name given twice the last counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from connectors.errors import Rejection

# The decoder bare, for chunks in which nothing is bad; it raises one of BAD.
decode_good = _decode = msgspec.json.Decoder().decode
# Of one document, all in all. A row has 1,024 columns; the rest is nested. Three bytes can become
# an object of 70, so long documents are counted before they are decoded.
MOST_VALUES = 1_000_000
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError)


@lru_cache(maxsize=256)
def decoder_of(names: tuple[str, ...]) -> Callable[[bytes], Any]:
    """A decoder of objects with exactly these names, in any order; raises one of BAD for others.

    It gives a msgspec struct (`astuple` has the values in the order of the names), which takes half
    the time of a dict. Any name will do: the struct's own names are made up.
    """
    return _struct_decoder([(name, True) for name in names])


@lru_cache(maxsize=256)
def decoder_of_some(
    wanted: tuple[str, ...], others: tuple[str, ...]
) -> tuple[Callable[[bytes], Any], Callable[[Any], tuple[Any, ...]]]:
    """The same of objects with any of these names and no further ones; and a second function.

    That one takes the struct and gives the values of the wanted names in their order, None for one
    that is absent. The others are decoded too: what is bad in them must be found as `decode` does.
    """
    decode = _struct_decoder([(name, False) for name in (*wanted, *others)])
    if len(wanted) == 1:
        only = attrgetter("f0")
        return decode, lambda value: (only(value),)
    return decode, attrgetter(*(f"f{number}" for number in range(len(wanted))))


def _none_such(_: bytes) -> Any:
    raise msgspec.DecodeError("not in this way")


def _struct_decoder(names: list[tuple[str, bool]]) -> Callable[[bytes], Any]:
    """A decoder to a struct with a field a name, which is required or not."""
    try:
        struct = msgspec.defstruct(
            "Value",
            [
                (f"f{number}", Any) if required else (f"f{number}", Any, None)
                for number, (_, required) in enumerate(names)
            ],
            rename={f"f{number}": name for number, (name, _) in enumerate(names)},
            forbid_unknown_fields=True,
            gc=False,
        )
    except ValueError:  # of names that a struct cannot have, such as those with a quote
        return _none_such
    return msgspec.json.Decoder(struct).decode


def decode(data: bytes) -> Any:
    """One JSON document. Raises Rejection; the reason holds positions, never content."""
    check_values(data)
    try:
        return _decode(data)
    except msgspec.DecodeError as error:
        if not data.strip():
            raise Rejection("json_empty", "not JSON: no bytes but blanks") from None
        if data.startswith(b"\xef\xbb\xbf"):
            raise Rejection(
                "json_bom", "not JSON: it starts with a UTF-8 byte order mark; remove that"
            ) from None
        raise Rejection("json_invalid", f"not JSON: {_without_content(str(error))}") from None
    except UnicodeDecodeError:
        raise Rejection("json_encoding", f"not JSON: no UTF-8{_place(data)}") from None
    except RecursionError:
        raise Rejection("json_depth", "nested too deep: flatten it before it is produced") from None


def check_values(data: bytes) -> None:
    """Raise Rejection for a long document of too many values."""
    # Each value takes a byte, and all but one a comma or a bracket before it.
    if len(data) <= MOST_VALUES or _marks(data) <= MOST_VALUES:
        return
    # There may be commas in texts.
    if _marks(_TEXT.sub(b"", data)) > MOST_VALUES:
        raise Rejection("json_values", f"of more than {MOST_VALUES:,} values")


def _marks(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _without_content(text: str) -> str:
    """Msgspec's own words, less the values that some of them quote."""
    return text.split(" - at `", maxsplit=1)[0].split(" `", maxsplit=1)[0]


def _place(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f" at byte {error.start} ({error.reason})"
    return ""
