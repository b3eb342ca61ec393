"""The properties of a connector: each is read once and checked, and notes say what changes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from connectors.import_config.errors import UnresolvedPlaceholder, UnsupportedConnectorConfig
from connectors.import_config.files import of_properties

# ${provider:path:key} or ${provider:key}, the placeholders of Kafka's config providers [kip-297].
_PLACEHOLDER = re.compile(r"\$\{([^}:]*):(?:([^}]*):)?([^}:]*)\}")


class ConnectorProperties:
    """The properties of a connector, and the notes on what becomes of them.

    A property that is read counts as used. The methods that check a value raise
    UnsupportedConnectorConfig, which names its key; a placeholder that cannot be read on this
    machine raises UnresolvedPlaceholder.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._used: set[str] = set()
        self.notes: list[tuple[str, str]] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def note(self, key: str, text: str) -> None:
        """Note what becomes of a key whose meaning changes."""
        self.notes.append((key, text))

    def keys(self, prefix: str = "") -> list[str]:
        """The keys with this prefix, in the order of the file."""
        return [key for key in self._values if key.startswith(prefix)]

    def unused(self) -> list[str]:
        """The keys that are not used yet, in the order of the file."""
        return [key for key in self._values if key not in self._used]

    def use(self, *keys: str) -> None:
        """Count these properties as used, so that they are not reported as unknown."""
        self._used.update(keys)

    def raw(self, key: str) -> str | None:
        """The value as it is written, with placeholders and blanks; None when it is absent."""
        self._used.add(key)
        return self._values.get(key)

    def text(self, key: str, default: str = "") -> str:
        """The value with its placeholders resolved and without blanks around it."""
        found = self.raw(key)
        if found is None:
            return default
        return _PLACEHOLDER.sub(lambda match: _filled(key, match), found).strip()

    def required(self, key: str) -> str:
        """A value that must be present and not blank."""
        found = self.text(key)
        if not found:
            raise UnsupportedConnectorConfig(
                f"{key}: is missing" if key not in self else f"{key}: is blank"
            )
        return found

    def choice(self, key: str, allowed: Sequence[str], default: str) -> str:
        """One of the allowed words, in lower case; upper case is accepted."""
        found = self.text(key, default).lower()
        if found not in allowed:
            raise UnsupportedConnectorConfig(f"{key}: is not one of {', '.join(allowed)}")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """The value of a property that is true or false."""
        return self.choice(key, ("true", "false"), str(default).lower()) == "true"

    def number(
        self, key: str, default: int, minimum: int | None = None, maximum: int = 2**63 - 1
    ) -> int:
        """The value of a property that is a whole number."""
        found = self.text(key, str(default))
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", found):
            raise UnsupportedConnectorConfig(f"{key}: is not a whole number")
        number = int(found)
        if (minimum is not None and number < minimum) or number > maximum:
            raise UnsupportedConnectorConfig(
                f"{key}: is below {minimum}" if number <= maximum else f"{key}: is too large"
            )
        return number

    def names(self, key: str) -> list[str]:
        """A list separated by commas, without blanks and repetitions; [] when the key is absent."""
        if key not in self:
            return []
        items = self.text(key).split(",")
        while items and not items[-1].strip():
            items.pop()  # a comma at the end is none to Java
        if not items:
            raise UnsupportedConnectorConfig(
                f"{key}: is blank: name at least one, or remove the key"
            )
        found = [item.strip() for item in items]
        if not all(found):
            raise UnsupportedConnectorConfig(f"{key}: has an empty name between two commas")
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise UnsupportedConnectorConfig(f"{key}: names twice: {', '.join(twice)}")
        return found

    def secret(self, key: str) -> tuple[str, str | None]:
        """Where a secret is, in words without it, and the file that holds only it, if any."""
        found = (self.raw(key) or "").strip()
        if not found:
            return "", None
        match = _PLACEHOLDER.fullmatch(found)
        if match is None:
            return "its value in the file", None
        provider, path, name = match.groups()
        if provider == "env":
            return f'"${name}"', None
        if provider == "dir" and path:
            return f"the content of {path}/{name}", f"{path}/{name}"
        at = f" in {path}" if path else ""
        return f"`{name}`{at} of the config provider {provider}", None


def _filled(key: str, match: re.Match[str]) -> str:
    """The value of a placeholder whose provider (env, file or dir) reads this machine [kip-297]."""
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
        raise UnresolvedPlaceholder(
            f"{key}: the placeholder of config provider {provider} cannot be read here: make "
            f"{name} readable for this command, or write the value into the configuration"
        )
    return found
