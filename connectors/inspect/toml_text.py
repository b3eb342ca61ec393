"""The text of a first config.toml, with comments that say what there is to choose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.inspect.initial_config import InitialConfig

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEAD = """# Written by `tablestore-sync init` from a sample of the topics. Any guess can be wrong.
# All options: docs/options.md. `tablestore-sync check` and `preview` show what the file does.
#
# Secrets never go into this file: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET
# are read from the environment, as are librdkafka's (SYNC__KAFKA__SECRET_PROPERTIES, as JSON).
"""
_COMMENTS = {
    "kafka.start": "first run only: earliest, latest, a time, or group:NAME",
    "tablestore.endpoint": "https://INSTANCE.REGION.ots.aliyuncs.com",
    "format.value": "see docs/formats.md",
    "table.primary_key_mode": "kafka, record_key, record_value or search (docs/mapping.md)",
    "table.columns": '"all", or a list; fields that are not listed are dropped',
    "table.mode": "points of series; wide_column: rows (docs/time-series.md)",
    "table.delete_mode": "a delete of the source deletes the row",
    "table.auto_create": "create the table when it is missing",
    "errors.tolerance": "none: the run stops at the first record that is rejected",
    "errors.dead_letters": "rejected records go to this table; or kafka, log, ignore",
}
_SECTIONS = (
    "kafka",
    "tablestore",
    "format",
    "mapping",
    "transforms",
    "table",
    "tables",
    "errors",
)


def config_text(config: InitialConfig) -> str:
    """The whole file."""
    lines = [_HEAD]
    for topic, guesses in config.guesses.items():
        lines.append(f"# {_comment(topic)}:")
        lines += [
            f"#   {_comment(one.about)} = {_comment(one.value)}  ({_comment(one.evidence)})"
            for one in guesses
        ]
        lines.append("")
    for section in _SECTIONS:
        if section in config.values:
            lines += _section((section,), config.values[section])
    return "\n".join(lines)


def _comment(text: str) -> str:
    """Text on one line; a name of a field may hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _section(path: tuple[str, ...], content: Any) -> Iterator[str]:
    if path == ("transforms",):
        for one in content:
            yield "[[transforms]]"
            yield from _options(path, one)
            yield ""
        return
    plain = {name: value for name, value in content.items() if not _is_section(path, name, value)}
    if plain or path != ("tables",):
        yield f"[{'.'.join(map(_key, path))}]"
        yield from _options(path, plain)
        yield ""
    for name, value in content.items():
        if name not in plain:
            yield from _section((*path, name), value)


def _is_section(path: tuple[str, ...], name: str, value: Any) -> bool:
    return isinstance(value, Mapping) and (
        path == ("tables",) or name in ("registry", "topics", "timeseries", "properties")
    )


def _options(path: tuple[str, ...], options: Mapping[str, Any]) -> Iterator[str]:
    section = "table" if path[0] == "tables" else ".".join(path)
    for name, value in options.items():
        comment = _COMMENTS.get(f"{section}.{name}")
        note = "" if comment is None else f"  # {comment}"
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) > 1:
            yield f"{_key(name)} = [{note}"
            yield from (f"  {_value(item)}," for item in value)
            yield "]"
        else:
            yield f"{_key(name)} = {_value(value)}{note}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
