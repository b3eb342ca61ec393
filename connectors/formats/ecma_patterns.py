"""Regular expressions of ECMA-262, which JSON Schema uses [json-schema], as Python's."""

from __future__ import annotations

import re

from connectors.formats.schema_registry import SchemaError

# A repetition inside a repetition: Python takes practically for ever to match some texts.
_SLOW_PATTERN = re.compile(r"\([^()]*[*+}][^()]*\)[*+{]")
# Parts of a regular expression: an escape, a set, the name of a group, any other character.
_TOKENS = re.compile(r"\\.|\[\^?(?:\\.|[^\]\\])*\]|\(\?<[A-Za-z_][A-Za-z0-9_]*>|.", re.DOTALL)
_ESCAPES = re.compile(r"\\.", re.DOTALL)
# In ECMA-262 these classes are ASCII: inside of a set, and outside.
_ASCII = {
    r"\d": ("0-9", "[0-9]"),
    r"\w": ("A-Za-z0-9_", "[A-Za-z0-9_]"),
    r"\D": (r"\D", "[^0-9]"),
    r"\W": (r"\W", "[^A-Za-z0-9_]"),
    r"\/": ("/", "/"),
}


def pattern(text: str) -> re.Pattern[str]:
    """Compile an ECMA-262 pattern. Raises SchemaError, and re.error if Python has no equivalent."""
    if _SLOW_PATTERN.search(text):
        raise SchemaError("it cannot be validated by: a pattern repeats a repetition")
    return re.compile("".join(map(_of_ecma, _TOKENS.findall(text))))


def _of_ecma(piece: str) -> str:
    """One token of an ECMA-262 regular expression as Python writes it."""
    if piece == "$":
        return r"\Z"  # Python's own lets a line end follow
    if piece.startswith("(?<"):
        return f"(?P<{piece[3:]}"
    if piece.startswith("["):
        body = _ESCAPES.sub(lambda found: _ASCII.get(found[0], (found[0],))[0], piece[1:-1])
        return f"[{body}]"
    return _ASCII.get(piece, (piece, piece))[1]
