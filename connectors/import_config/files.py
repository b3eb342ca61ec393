"""A connector's configuration as a file: Java properties, or JSON of the REST API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import javaproperties

from connectors.import_config.errors import UnsupportedConnectorConfig

_LINE_END = re.compile(r"\r\n|\n|\r")


def read(path: Path) -> dict[str, str]:
    """Keys and values of a file. Raises UnsupportedConnectorConfig."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnsupportedConnectorConfig(
            f"{path}: cannot be read: {error.strerror or error}"
        ) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as Java reads properties
    try:
        if path.suffix == ".json" or text.lstrip().startswith("{"):
            found = of_json(text)
        else:
            found = of_properties(text)
    except UnsupportedConnectorConfig as error:
        raise UnsupportedConnectorConfig(f"{path}: {error}") from None
    if not found:
        raise UnsupportedConnectorConfig(f"{path}: there is no key in it")
    return found


def of_json(text: str) -> dict[str, str]:
    """The plain map of a connector's configuration, or the object with `name` and `config`."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        position = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise UnsupportedConnectorConfig(f"is not JSON ({position} cannot be read)") from None
    if not isinstance(found, dict):
        raise UnsupportedConnectorConfig(
            'is not a JSON object: it is {"name": ..., "config": {...}} or the map of keys'
        )
    config = found.get("config", found)
    if not isinstance(config, dict):
        raise UnsupportedConnectorConfig("config: is not a JSON object")
    values = {
        _without_surrogates("a key", key): _text(key, value)
        for key, value in config.items()
        if value is not None
    }
    if config is not found and "name" not in values and isinstance(found.get("name"), str):
        values["name"] = found["name"]
    return values


def _no_number(_name: str) -> Any:
    raise ValueError("not a number of JSON")


def _text(key: str, value: Any) -> str:
    """Connect takes texts, and turns numbers and booleans into them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise UnsupportedConnectorConfig(
            f"{key}: is a JSON {type(value).__name__}; every value is a text"
        )
    return _without_surrogates(key, value)


def of_properties(text: str) -> dict[str, str]:
    """Keys and values of Java's properties format. Raises UnsupportedConnectorConfig.

    The text names the line at which what is wrong begins.
    """
    values: dict[str, str] = {}
    elements = javaproperties.parse(text)
    number = 1
    while True:
        try:
            element = next(elements, None)
        except javaproperties.InvalidUEscapeError:
            raise UnsupportedConnectorConfig(
                f"line {number}: \\u needs four hexadecimal digits"
            ) from None
        if element is None:
            return values
        if isinstance(element, javaproperties.KeyValue):
            key = _without_surrogates(f"line {number}", element.key)
            values[key] = _without_surrogates(key, element.value)
        number += len(_LINE_END.findall(element.source))


def _without_surrogates(where: str, value: str) -> str:
    """The text with its surrogate pairs joined. Half of a pair is not supported."""
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise UnsupportedConnectorConfig(
            f"{where}: holds half of a character (a single surrogate)"
        ) from None
