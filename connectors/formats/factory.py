"""The decoders of a configuration, as settings.formats.FORMATS names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import Rejection, raised_at
from connectors.formats.registry_client import RegistryClient, Wait
from connectors.formats.schemas import SchemaFile, Schemas
from connectors.settings.formats import FORMATS, FormatSettings
from connectors.settings.implementations import implementation
from connectors.settings.user_functions import find_function

Decode = Callable[[bytes], Any]
"""From bytes to a value. Raises Rejection, whose reason never quotes the bytes."""


def decoders(settings: FormatSettings, wait: Wait | None) -> tuple[Decode, Decode]:
    """The decoders of values and of keys; both share one Schema Registry.

    `wait` is called while the registry does not answer; None: that is an error. Raises StopRun for
    a function of the user or a schema file that cannot be used.
    """
    schemas = Schemas(settings, wait)
    of_value = SchemaFile(settings.value_schema_file, settings.value_message)
    of_key = SchemaFile(settings.key_schema_file, settings.key_message)
    return (
        _decoder(settings.value, schemas, of_value, "format.value"),
        _decoder(settings.key, schemas, of_key, "format.key"),
    )


def check_registry(settings: FormatSettings, with_keys: bool) -> None:
    """Ask the Schema Registry once, where the format of values, or of keys, needs it.

    Logs trouble that may go away by itself; raises StopRun for any other.
    """
    words = [settings.value, *([settings.key] if with_keys else [])]
    if any(word in FORMATS and FORMATS[word].needs_registry for word in words):
        RegistryClient(settings.registry).check()


def _decoder(word: str, schemas: Schemas, file: SchemaFile, option: str) -> Decode:
    """The decoder of a format, or of a function of the user that `option` names."""
    chosen = FORMATS.get(word)
    if chosen is None:
        return _of_user(word, option)
    found = implementation(chosen.implementation)
    if not chosen.has_schemas:
        return _isolated(found, word)
    decode: Decode = found(schemas, file)
    return decode


def _isolated(decode: Decode, word: str) -> Decode:
    """A decoder that needs no schema; an unexpected exception rejects these bytes alone."""

    def isolated(data: bytes) -> Any:
        try:
            return decode(data)
        except (Rejection, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary to libraries
            raise Rejection(
                "decode_failed",
                f"not decoded as {word}: unexpected {type(error).__name__}; please report this as "
                "a bug",
            ) from None

    return isolated


def _of_user(name: str, option: str) -> Decode:
    function = find_function(name, option)

    def decode(data: bytes) -> Any:
        try:
            return function(data)
        except Rejection:
            raise
        except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
            raise Rejection(
                "format_failed", f"not decoded by {name}, which raised {raised_at(error)}"
            ) from None

    return decode
