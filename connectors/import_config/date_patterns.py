"""Patterns of Java's SimpleDateFormat as codes of Python's strptime."""

from __future__ import annotations

import re

_PARTS = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z']+")
_CODES = {
    "yyyy": "%Y", "uuuu": "%Y", "yy": "%y", "MM": "%m", "MMM": "%b", "MMMM": "%B", "dd": "%d",
    "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S", "SSS": "%3f", "a": "%p", "EEE": "%a",
    "EEEE": "%A", "DDD": "%j", "X": "%z", "XX": "%z", "XXX": "%z", "Z": "%z",
}  # fmt: skip
# These read with and without a leading zero, and would write one that Java does not write.
_READ_ALONE = {"y": "%Y", "M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S"}


def strptime_codes(pattern: str, writes: bool) -> str | None:
    """The same format in strptime's codes; None where there is none.

    `writes`: times are written with it. They are in UTC, for which Java's Z writes +0000.
    """
    out = []
    at = 0
    for part in _PARTS.finditer(pattern):
        if part.start() != at:
            return None
        at = part.end()
        text = part.group()
        if text.startswith("'"):
            out.append((text[1:-1].replace("''", "'") or "'").replace("%", "%%"))
        elif part.group(1) is None:
            out.append(text.replace("%", "%%"))
        elif text == "Z" and writes:
            out.append("+0000")
        elif text in _CODES:
            out.append(_CODES[text])
        elif text in _READ_ALONE and not writes:
            out.append(_READ_ALONE[text])
        else:
            return None
    return "".join(out) if at == len(pattern) else None
