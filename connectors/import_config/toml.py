"""Plain values as TOML, in the order in which they are given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any


def text_of(values: Mapping[str, Any]) -> str:
    """A document of tables."""
    return "\n".join(line for part in _tables((), values) for line in part).lstrip("\n") + "\n"


def _tables(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[list[str]]:
    below = {key: value for key, value in table.items() if _is_table(value)}
    own = {key: value for key, value in table.items() if key not in below}
    if path and (own or not below):
        yield [f"\n[{'.'.join(map(_key, path))}]", *_pairs(own)]
    for key, value in below.items():
        if isinstance(value, list):
            for item in value:
                yield [f"\n[[{'.'.join(map(_key, (*path, key)))}]]", *_pairs(item)]
        else:
            yield from _tables((*path, key), value)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, Arrays) and bool(value))


class Arrays(list[Any]):
    """A list that is written as [[an array of tables]]."""


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _string(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if any(isinstance(item, dict) for item in value):
        return "[\n" + "".join(f"  {_value(item)},\n" for item in value) + "]"
    return "[" + ", ".join(map(_value, value)) + "]"


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
