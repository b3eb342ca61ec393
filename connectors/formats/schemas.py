"""The schemas of a run's decoders: from the Schema Registry, or from a file."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from connectors.formats.registry_client import Wait
from connectors.formats.schema_registry import Registry
from connectors.settings.formats import FormatSettings


class SchemaFile(NamedTuple):
    """The schema file of values or of keys, and the full name of its message.

    Each is None unless the configuration sets it.
    """

    path: Path | None = None
    message: str | None = None


class Schemas:
    """The Schema Registry that keys and values share, connected when a decoder asks for it."""

    def __init__(self, settings: FormatSettings, wait: Wait | None) -> None:
        """`wait` is called while the registry does not answer; None: that is an error."""
        self._settings = settings
        self._wait = wait
        self.validates = settings.json_schema_validation
        """Whether documents of json_schema are validated against their schema."""

    @cached_property
    def registry(self) -> Registry:
        """The one registry of keys and values."""
        return Registry(self._settings.registry, self._wait)
