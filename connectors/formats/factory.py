"""The decoders of a configuration: each format of settings.formats.FORMATS has one here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from connectors.errors import Rejection, raised_at
from connectors.formats import connect_json, json_envelope, primitives
from connectors.formats.registry_client import RegistryClient, Wait
from connectors.formats.schema_registry import Registry
from connectors.settings.formats import FORMATS, FormatSettings
from connectors.settings.user_functions import find_function

Decode = Callable[[bytes], Any]
"""The value of some bytes; raises Rejection, whose reason never quotes them."""


def decoders(settings: FormatSettings, wait: Wait | None) -> tuple[Decode, Decode]:
    """The decoders of values and of keys; both share one Schema Registry.

    `wait` is called while the registry does not answer; None: that is an error. Raises StopRun for
    a function of the user or a schema file that cannot be used.
    """
    schemas = _Schemas(settings, wait)
    of_value = SchemaFile(settings.value_schema_file, settings.value_message)
    of_key = SchemaFile(settings.key_schema_file, settings.key_message)
    return (
        _decoder(settings.value, schemas, of_value, "format.value"),
        _decoder(settings.key, schemas, of_key, "format.key"),
    )


def check_registry(settings: FormatSettings, with_keys: bool) -> None:
    """Ask the Schema Registry once, where the format of values, or of keys, needs it.

    Logs what may pass by itself; raises StopRun for what does not.
    """
    words = [settings.value, *([settings.key] if with_keys else [])]
    if any(word in FORMATS and FORMATS[word].needs_registry for word in words):
        RegistryClient(settings.registry).check()


class SchemaFile(NamedTuple):
    """The schema file of a configuration, and the message in it that is meant."""

    path: Path | None = None
    message: str | None = None


def _decoder(word: str, schemas: _Schemas, file: SchemaFile, option: str) -> Decode:
    if word in DECODERS:
        return DECODERS[word](schemas, file)
    return _of_user(word, option)


class _Schemas:
    """Where schemas come from: the registry of the configuration, made when it is asked for."""

    def __init__(self, settings: FormatSettings, wait: Wait | None) -> None:
        self._settings = settings
        self._wait = wait
        self.validates = settings.json_schema_validation

    @cached_property
    def registry(self) -> Registry:
        """The one registry of keys and values."""
        return Registry(self._settings.registry, self._wait)


# (where schemas come from, the schema file of the configuration) -> the decoder
MakeDecoder = Callable[[_Schemas, SchemaFile], Decode]


def _plain(decode: Decode, word: str) -> MakeDecoder:
    """A decoder without a schema; an unexpected exception rejects these bytes alone."""

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

    return lambda _schemas, _file: isolated


# Libraries of formats that are not used are not loaded: that would make each start slower.


def _avro(schemas: _Schemas, file: SchemaFile) -> Decode:
    from connectors.formats.avro import decoder as avro  # noqa: PLC0415

    return avro.decoder(schemas.registry, file.path)


def _raw_avro(_: _Schemas, file: SchemaFile) -> Decode:
    from connectors.formats.avro import decoder as avro  # noqa: PLC0415

    if file.path is None:
        raise AssertionError("settings let raw_avro pass without a schema file")
    return avro.raw_decoder(file.path)


def _protobuf(schemas: _Schemas, _: SchemaFile) -> Decode:
    from connectors.formats import protobuf  # noqa: PLC0415

    return protobuf.decoder(schemas.registry)


def _raw_protobuf(_: _Schemas, file: SchemaFile) -> Decode:
    from connectors.formats import protobuf_file  # noqa: PLC0415

    if file.path is None or file.message is None:
        raise AssertionError("settings let raw_protobuf pass without a schema file or message")
    return protobuf_file.decoder(file.path, file.message)


def _json_schema(schemas: _Schemas, _: SchemaFile) -> Decode:
    from connectors.formats import json_schema  # noqa: PLC0415

    return json_schema.decoder(schemas.registry, schemas.validates)


# By the word in config.toml.
DECODERS: dict[str, MakeDecoder] = {
    "json": _plain(json_envelope.decode, "json"),
    "connect_json": _plain(connect_json.decode, "connect_json"),
    "string": _plain(primitives.string, "string"),
    "bytes": _plain(primitives.plain_bytes, "bytes"),
    "integer": _plain(primitives.integer, "integer"),
    "long": _plain(primitives.long, "long"),
    "double": _plain(primitives.double, "double"),
    "avro": _avro,
    "protobuf": _protobuf,
    "json_schema": _json_schema,
    "raw_avro": _raw_avro,
    "raw_protobuf": _raw_protobuf,
}


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
