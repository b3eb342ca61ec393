"""One transform of Kafka Connect, with its own properties."""

from __future__ import annotations

from typing import Any

from connectors.import_config.errors import UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties

Transforms = list[dict[str, Any]]


class NotImported(Exception):  # noqa: N818 - not an error: the transform is noted and left out
    """Raised for a transform that has no counterpart; the text says why, or what to do."""


class SmtStep:
    """A transform's own properties: those with its prefix."""

    def __init__(self, connector: ConnectorProperties, name: str) -> None:
        self.connector = connector
        self.prefix = f"transforms.{name}."
        self.type = connector.required(f"{self.prefix}type")

    def has(self, name: str) -> bool:
        """Whether the property is set."""
        return f"{self.prefix}{name}" in self.connector

    def text(self, *names: str) -> str:
        """The value of the first of these properties that is set; "" if none is."""
        for name in names:
            if self.has(name):
                return self.connector.text(f"{self.prefix}{name}")
        return ""

    def required(self, name: str) -> str:
        """The value of a property that must be set. Raises UnsupportedConnectorConfig."""
        return self.connector.required(f"{self.prefix}{name}")

    def list(self, *names: str) -> list[str]:
        """The value of a property that is a list of names separated by commas."""
        return [item.strip() for item in self.text(*names).split(",") if item.strip()]

    def flag(self, name: str, default: bool) -> bool:
        """The value of a property that is true or false."""
        return self.connector.flag(f"{self.prefix}{name}", default)

    def unsupported(self, name: str, why: str) -> UnsupportedConnectorConfig:
        """The error of one property, to be raised."""
        return UnsupportedConnectorConfig(f"{self.prefix}{name}: {why}")

    @property
    def of(self) -> dict[str, str]:
        """The option `of` for a transform of the key; {} for one of the value."""
        return {"of": "key"} if self.type.endswith("$Key") else {}

    def note(self, text: str, name: str = "type") -> None:
        """Note what becomes of the transform, or of one of its properties."""
        self.connector.note(f"{self.prefix}{name}", text)

    def note_nulls(self) -> None:
        """Note `replace.null.with.default`, which several transforms have."""
        name = "replace.null.with.default"
        if self.has(name) and self.flag(name, True):
            self.note("a null stays null: it is not replaced by the default of its schema", name)

    def note_dots(self, *fields: str) -> None:
        """Note names with a dot, which lead to nested fields here."""
        if any("." in field for field in fields):
            self.note(
                "Kafka Connect takes a name with a dot as that of a top-level field; here it is "
                "also the path of a nested field, unless there is a top-level field of that name"
            )
