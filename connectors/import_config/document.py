"""The text of a config.toml, from plain values in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.items import Item, Table


def text_of(values: Mapping[str, Any], head: str) -> str:
    """A document of sections below comments, a line of `head` each.

    A section is a dict; a list of sections becomes an array of tables.
    """
    document = tomlkit.document()
    for line in head.splitlines():
        document.add(tomlkit.comment(line))
    for name, section in values.items():
        if isinstance(section, list):
            entries = tomlkit.aot()
            for entry in section:
                entries.append(_table(entry, {}))
            document.add(name, entries)
        else:
            below = {key: value for key, value in section.items() if isinstance(value, dict)}
            document.add(name, _table(section, below))
    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any], below: Mapping[str, Any]) -> Table:
    """A table; the values of `below` become tables under it, other dicts inline tables."""
    made = tomlkit.table()
    for key, value in values.items():
        if key not in below:
            made.add(key, _value(value, multiline=True))
    for key, value in below.items():
        inner = {name: item for name, item in value.items() if isinstance(item, dict)}
        made.add(key, _table(value, inner))
    return made


def _value(value: Any, *, multiline: bool = False) -> Item:
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, item in value.items():
            table.add(key, _value(item))
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        for item in value:
            array.append(_value(item))
        return array.multiline(multiline and any(isinstance(item, dict) for item in value))
    single: Item = tomlkit.item(value)
    return single
