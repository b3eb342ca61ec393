"""The settings in force, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from connectors.http_api.models import SettingsInForce
from connectors.settings import Settings

_MASK = "**********"
# Of librdkafka's properties, and of whatever else has names of its own.
_SECRET_NAME = re.compile(
    r"secret|passw|token|passphrase|credential|jaas|private|\.pem$|key\.location|\bcookie",
    re.IGNORECASE,
)
_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
# Options whose names only look like it: paths, and the names of what provides keys.
_NOT_SECRET = re.compile(r"_files?(\.|$)|^tablestore\.credentials|_location$")


def settings_in_force(settings: Settings) -> SettingsInForce:
    """Every option with its value."""
    options = dict(_flat("", settings.model_dump(mode="json")))
    defaults = dict(_flat("", _defaults(type(settings))))
    masked = {name: _masked(name, value) for name, value in options.items()}
    changed = [
        name for name, value in options.items() if name not in defaults or defaults[name] != value
    ]
    return SettingsInForce(options=masked, changed=changed)


def _defaults(model: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found[name] = _defaults(annotation)
        elif not field.is_required():
            made = model.model_construct(**{name: field.get_default(call_default_factory=True)})
            found[name] = made.model_dump(mode="json", include={name}, warnings=False).get(name)
    return found


def _flat(before: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{before}{name}.", value)
        else:
            yield f"{before}{name}", value


def _masked(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_NAME.search(name) and not _NOT_SECRET.search(name):
        return _MASK
    if isinstance(value, str):
        return _USER_INFO.sub(f"{_MASK}@", value)
    if isinstance(value, dict):
        return {key: _masked(f"{name}.{key}", each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(name, each) for each in value]
    return value
