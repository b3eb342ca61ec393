"""Regular expressions of ECMA-262, which JSON Schema has [json-schema], as Python's."""

from __future__ import annotations

import re

from connectors.formats.schema_registry import SchemaError

# A repetition in a repetition: some texts of such a pattern take Python for ever.
_SLOW_PATTERN = re.compile(r"\([^()]*[*+}][^()]*\)[*+{]")
# Parts of a regular expression: an escape, a set, the name of a group, any other character.
_TOKENS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?<[A-Za-z_][A-Za-z0-9_]*>|.", re.DOTALL)
_ESCAPES = re.compile(r"\\.", re.DOTALL)
# In ECMA-262 these are of ASCII: inside of a set, and outside.
_ASCII = {
    r"\d": ("0-9", "[0-9]"),
    r"\w": ("A-Za-z0-9_", "[A-Za-z0-9_]"),
    r"\D": (r"\D", "[^0-9]"),
    r"\W": (r"\W", "[^A-Za-z0-9_]"),
    r"\/": ("/", "/"),
}


def pattern(text: str) -> re.Pattern[str]:
    """The pattern of a text. Raises SchemaError, and re.error where Python has no such one."""
    if _SLOW_PATTERN.search(text):
        raise SchemaError("it cannot be validated by: a pattern repeats a repetition")
    return re.compile("".join(map(_of_ecma, _TOKENS.findall(text))))


def _of_ecma(piece: str) -> str:
    """A part of a regular expression of ECMA-262, which JSON Schema has, for Python."""
    if piece == "$":
        return r"\Z"  # Python's own lets a line end follow
    if piece.startswith("(?<"):
        return f"(?P<{piece[3:]}"
    if piece.startswith("["):
        body = _ESCAPES.sub(lambda found: _ASCII.get(found[0], (found[0],))[0], piece[1:-1])
        return f"[{body}]"
    return _ASCII.get(piece, (piece, piece))[1]
