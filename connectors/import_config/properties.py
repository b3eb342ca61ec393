"""The keys of a connector as they were given: read once each, checked, and told about."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.import_config.errors import Refused, Unfilled
from connectors.import_config.files import of_properties

# ${provider:path:key} or ${provider:key}, as Kafka's config providers have it.
_PLACEHOLDER = re.compile(r"\$\{([^}:]*):(?:([^}]*):)?([^}:]*)\}")


class Given:
    """Keys and values; `used` ones are those that somebody has looked at."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._used: set[str] = set()
        self.notes: list[tuple[str, str]] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def note(self, key: str, text: str) -> None:
        """Say what becomes of a key whose meaning changes."""
        self.notes.append((key, text))

    def keys(self, prefix: str = "") -> list[str]:
        """Keys that begin so, in the order of the file."""
        return [key for key in self._values if key.startswith(prefix)]

    def unused(self) -> list[str]:
        """Keys that nobody has looked at."""
        return [key for key in self._values if key not in self._used]

    def use(self, *keys: str) -> None:
        """Count keys as looked at."""
        self._used.update(keys)

    def raw(self, key: str) -> str | None:
        """The value as it stands, placeholders and blanks included."""
        self._used.add(key)
        return self._values.get(key)

    def text(self, key: str, default: str = "") -> str:
        """The value without blanks around it, placeholders filled in."""
        found = self.raw(key)
        if found is None:
            return default
        return _PLACEHOLDER.sub(lambda match: _filled(key, match), found).strip()

    def required(self, key: str) -> str:
        """A value that must be there and not be blank."""
        found = self.text(key)
        if not found:
            raise Refused(f"{key}: is missing" if key not in self else f"{key}: is blank")
        return found

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of these words, whatever its case."""
        found = self.text(key, default).lower()
        if found not in allowed:
            raise Refused(f"{key}: is none of {', '.join(allowed)}")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        return self.choice(key, ("true", "false"), str(default).lower()) == "true"

    def number(
        self, key: str, default: int, least: int | None = None, most: int = 2**63 - 1
    ) -> int:
        """A whole number."""
        found = self.text(key, str(default))
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", found):
            raise Refused(f"{key}: is no whole number")
        number = int(found)
        if (least is not None and number < least) or number > most:
            raise Refused(f"{key}: is below {least}" if number <= most else f"{key}: is too large")
        return number

    def names(self, key: str) -> list[str]:
        """A list with commas: [] when the key is absent; a blank list or item is refused."""
        if key not in self:
            return []
        items = self.text(key).split(",")
        while items and not items[-1].strip():
            items.pop()  # a comma at the end is none to Java
        if not items:
            raise Refused(f"{key}: is blank: name at least one, or remove the key")
        found = [item.strip() for item in items]
        if not all(found):
            raise Refused(f"{key}: has an empty name between two commas")
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise Refused(f"{key}: names twice: {', '.join(twice)}")
        return found

    def secret(self, key: str) -> tuple[str, str | None]:
        """Where a secret is now, in words without it, and the file that holds it alone, if any."""
        found = (self.raw(key) or "").strip()
        if not found:
            return "", None
        match = _PLACEHOLDER.fullmatch(found)
        if match is None:
            return "the value that stands there", None
        provider, path, name = match.groups()
        if provider == "env":
            return f'"${name}"', None
        if provider == "dir" and path:
            return f"the content of {path}/{name}", f"{path}/{name}"
        at = f" in {path}" if path else ""
        return f"`{name}`{at} of the config provider {provider}", None


def _filled(key: str, match: re.Match[str]) -> str:
    """What a placeholder stands for, of the providers that read what is on this machine."""
    provider, path, name = match.groups()
    found: str | None = None
    try:
        if provider == "env":
            found = os.environ.get(name)
        elif provider == "file" and path:
            found = of_properties(Path(path).read_text("utf-8")).get(name)
        elif provider == "dir" and path:
            found = (Path(path) / name).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        raise Unfilled(
            f"{key}: the placeholder of config provider {provider} cannot be read here: make "
            f"{name} readable for this command, or write the value into the configuration"
        )
    return found
