"""A connector's configuration as it lies in a file: Java properties, or JSON of the REST API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.import_config.errors import Refused

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_BLANKS = " \t\f"


def read(path: Path) -> dict[str, str]:
    """Keys and values of a file. Raises Refused."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as Java reads properties
    try:
        if path.suffix == ".json" or text.lstrip().startswith("{"):
            found = of_json(text)
        else:
            found = of_properties(text)
    except Refused as error:
        raise Refused(f"{path}: {error}") from None
    if not found:
        raise Refused(f"{path}: there is no key in it")
    return found


def of_json(text: str) -> dict[str, str]:
    """The plain map of a connector's configuration, or the object with `name` and `config`."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise Refused(f"is no JSON ({place} cannot be read)") from None
    if not isinstance(found, dict):
        raise Refused('is no JSON object: it is {"name": ..., "config": {...}} or the map of keys')
    config = found.get("config", found)
    if not isinstance(config, dict):
        raise Refused("config: is no JSON object")
    values = {
        _whole("a key", key): _text(key, value)
        for key, value in config.items()
        if value is not None
    }
    if config is not found and "name" not in values and isinstance(found.get("name"), str):
        values["name"] = found["name"]
    return values


def _no_number(_name: str) -> Any:
    raise ValueError("no number of JSON")


def _text(key: str, value: Any) -> str:
    """Connect takes texts, and turns numbers and booleans into them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise Refused(f"{key}: is a JSON {type(value).__name__}; every value is a text")
    return _whole(key, value)


def of_properties(text: str) -> dict[str, str]:
    """Java's format: comments, escapes, lines that go on, and = or : or a blank after the key."""
    values = {}
    for number, line in _logical_lines(text):
        end = 0
        while end < len(line) and line[end] not in "=:" + _BLANKS:
            end += 2 if line[end] == "\\" else 1
        rest = line[end:].lstrip(_BLANKS)
        if rest[:1] in ("=", ":"):
            rest = rest[1:].lstrip(_BLANKS)
        key = _whole(f"line {number}", _unescaped(line[:end], number))
        values[key] = _whole(key, _unescaped(rest, number))
    return values


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines joined where one ends in an odd number of backslashes, each with its first number."""
    begun: str | None = None
    first = 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        line = line.lstrip(_BLANKS)
        if begun is None:
            if not line or line[0] in "#!":
                continue
            begun, first = "", number
        backslashes = len(line) - len(line.rstrip("\\"))
        if backslashes % 2:
            begun += line[:-1]
            continue
        yield first, begun + line
        begun = None
    if begun:
        yield first, begun


def _unescaped(text: str, number: int) -> str:
    if "\\" not in text:
        return text
    parts = []
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character != "\\":
            parts.append(character)
            continue
        escaped = text[at : at + 1]
        at += 1
        if escaped == "u":
            digits = text[at : at + 4]
            if not re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
                raise Refused(f"line {number}: \\u needs four hexadecimal digits")
            parts.append(chr(int(digits, 16)))
            at += 4
        else:
            parts.append(_ESCAPES.get(escaped, escaped))
    return "".join(parts)


def _whole(where: str, value: str) -> str:
    """The text with its surrogate pairs joined."""
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Refused(f"{where}: holds half of a character (a single surrogate)") from None
