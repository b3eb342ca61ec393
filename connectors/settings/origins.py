"""Where the value of each option comes from: a variable, a section of the file, or the default."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, SecretStr

from connectors.settings import Settings
from connectors.settings.loading import file_of, origin_of, read_file

_SECRET = re.compile(r"secret|password|passphrase|token|key|pem|config", re.IGNORECASE)
_HIDDEN = "(not shown)"
_DEFAULT = "the default"


class Option(NamedTuple):
    """An option with its value, as text for people without secrets, and its origin."""

    name: str
    value: str
    origin: str

    @property
    def is_default(self) -> bool:
        """Whether neither the file nor the environment sets it."""
        return self.origin == _DEFAULT


def options_of(settings: Settings, path: str | Path | None) -> list[Option]:
    """The options of settings that were loaded from `path`, in the order of docs/options.md.

    Those of [tables.NAME] are listed where they are set.
    """
    file, is_named = file_of(path)
    values = read_file(file, must_exist=is_named)
    found = []
    for key, value in _leaves((), settings):
        origin = origin_of(key, values, file)
        origin = _DEFAULT if origin.startswith(_DEFAULT) else origin
        if key[0] != "tables" or origin != _DEFAULT:
            found.append(Option(".".join(key), _shown(value), origin))
    return found


def _leaves(key: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves((*key, name), getattr(value, name))
    elif key == ("tables",):
        for name, rules in value.items():
            yield from _leaves((*key, name), rules)
    else:
        yield key, value


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, dict):
        shown = {
            key: _HIDDEN if isinstance(item, SecretStr) or _SECRET.search(key) else _plain(item)
            for key, item in value.items()
        }
        return json.dumps(shown)
    if isinstance(value, (tuple, list)):
        return json.dumps([_plain(item) for item in value])
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
