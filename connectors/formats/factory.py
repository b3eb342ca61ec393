"""The decoder of a format by its word in config.toml."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.errors import Rejection
from connectors.formats import connect_json, json
from connectors.formats import primitives as text
from connectors.formats.schema_registry import Registry, Wait
from connectors.settings.formats import OF_REGISTRY, FormatSettings
from connectors.settings.user_functions import find_function

Decode = Callable[[bytes], Any]

_PLAIN: dict[str, Decode] = {
    "json": json.decode,
    "connect_json": connect_json.decode,
    "string": text.string,
    "bytes": text.plain_bytes,
    "integer": text.integer,
    "long": text.long,
    "double": text.double,
}


def decoders(settings: FormatSettings, wait: Wait) -> tuple[Decode, Decode]:
    """The decoders of values and of keys; both share one registry.

    They raise Rejection. Raises StopRun here for a function or a schema file that is none.
    """
    registry: Registry | None = None
    if settings.value in OF_REGISTRY or settings.key in OF_REGISTRY:
        registry = Registry(settings.registry, wait)
    value = _decoder(settings.value, settings.value_schema_file, registry, "format.value")
    key = _decoder(settings.key, settings.key_schema_file, registry, "format.key")
    return value, key


def _decoder(word: str, schema_file: Path | None, registry: Registry | None, place: str) -> Decode:
    """Libraries of formats that are not used are not loaded: that would make each start slower."""
    if word in _PLAIN:
        return _fenced(_PLAIN[word], word)
    if word == "raw_avro" and schema_file is not None:
        from connectors.formats import avro  # noqa: PLC0415

        return avro.raw_decoder(schema_file)
    if registry is not None and word == "avro":
        from connectors.formats import avro  # noqa: PLC0415

        return avro.decoder(registry, schema_file)
    if registry is not None and word == "protobuf":
        from connectors.formats import protobuf  # noqa: PLC0415

        return protobuf.decoder(registry)
    if registry is not None and word == "json_schema":
        from connectors.formats import json_schema  # noqa: PLC0415

        return json_schema.decoder(registry)
    return _of_user(word, place)


def _fenced(decode: Decode, word: str) -> Decode:
    """What nobody foresaw about some bytes rejects them, and ends nothing."""

    def fenced(data: bytes) -> Any:
        try:
            return decode(data)
        except (Rejection, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the last fence
            raise Rejection(
                "decode_failed",
                f"not decoded as {word}: nobody foresaw it ({type(error).__name__}); please "
                "report it",
            ) from None

    return fenced


def _of_user(name: str, place: str) -> Decode:
    function = find_function(name, place)

    def decode(data: bytes) -> Any:
        try:
            return function(data)
        except Rejection:
            raise
        except Exception as error:  # noqa: BLE001 - users' code: the boundary to it
            # Its text may hold the record's values.
            last = traceback.extract_tb(error.__traceback__)[-1]
            raise Rejection(
                "format_failed",
                f"refused by {name}, which raised {type(error).__name__} at "
                f"{Path(last.filename).name}:{last.lineno}",
            ) from None

    return decode
