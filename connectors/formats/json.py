"""JSON: bytes of a key or value to Python values.

msgspec keeps integers of any size exact and rejects NaN, infinities and lone surrogates, where
other decoders silently turn 2^64 into a float. Of a duplicate name the last value counts.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from connectors.errors import Rejection

# Without the checks of `decode`, for bytes that are short enough to be harmless.
decode_bare = msgspec.json.Decoder().decode
# The exceptions of msgspec for bytes that it does not decode.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError)
# Values of one document, nested ones included; a row has at most 1,024 columns [limits]. Three
# bytes can become an object of 70, so the values of long documents are counted first.
MAX_VALUES = 1_000_000
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def decode(data: bytes) -> Any:
    """Decode one JSON document. Raises Rejection; the reason has positions, never content."""
    check_values(data)
    try:
        return decode_bare(data)
    except msgspec.DecodeError as error:
        if not data.strip():
            raise Rejection("json_empty", "not JSON: empty, or only white space") from None
        if data.startswith(b"\xef\xbb\xbf"):
            raise Rejection(
                "json_bom", "not JSON: it starts with a UTF-8 byte order mark; remove that"
            ) from None
        raise Rejection("json_invalid", f"not JSON: {_without_content(str(error))}") from None
    except UnicodeDecodeError:
        raise Rejection("json_encoding", f"not JSON: not UTF-8{_position(data)}") from None
    except RecursionError:
        raise Rejection("json_depth", "nested too deep: flatten it before it is produced") from None


def check_values(data: bytes) -> None:
    """Raise Rejection for a document of more than MAX_VALUES values."""
    # Each value takes a byte, and all but one a comma or a bracket before it.
    if len(data) <= MAX_VALUES or _marks(data) <= MAX_VALUES:
        return
    # Some commas may be inside of texts.
    if _marks(_TEXT.sub(b"", data)) > MAX_VALUES:
        raise Rejection("json_values", f"too large: more than {MAX_VALUES:,} values")


def _marks(data: bytes) -> int:
    return data.count(b",") + data.count(b"[") + data.count(b"{")


def _without_content(text: str) -> str:
    """The text of msgspec's error, without the values that it quotes."""
    return text.split(" - at `", maxsplit=1)[0].split(" `", maxsplit=1)[0]


def _position(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return f" at byte {error.start} ({error.reason})"
    return ""
