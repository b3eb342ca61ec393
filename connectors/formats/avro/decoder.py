"""Avro: values by their writer's schema, from a Schema Registry or a file.

The bytes are read by a function that is compiled for the schema (`compiler`), and judged as the
specification does, where libraries accept invalid bytes or reject valid schemas.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from connectors.errors import Rejection, StopRun
from connectors.formats.avro.bounds import MAX_DEPTH, MAX_VALUES, Measure, max_fields
from connectors.formats.avro.compiler import Function, compiled
from connectors.formats.avro.defaults import check_defaults
from connectors.formats.avro.resolution import conversion
from connectors.formats.avro.schema import Node, parsed, parsed_registered
from connectors.formats.avro.varints import DamagedError
from connectors.formats.schema_registry import SchemaError
from connectors.formats.schemas import SchemaFile, Schemas

Decode = Callable[[bytes], Any]


def decoder(schemas: Schemas, file: SchemaFile) -> Decode:
    """The decoder of values framed by a Schema Registry; a schema file is the reader's schema.

    Raises StopRun for a file that is not an Avro schema; the decoder raises Rejection.
    """
    registry = schemas.registry
    target = None if file.path is None else _of_file(file.path)

    def decode(data: bytes) -> Any:
        read, body = registry.framed(
            data, "AVRO", lambda schema: reader(parsed_registered(schema), target, framed=True)
        )
        return read(body)

    return decode


def raw_decoder(_: Schemas, file: SchemaFile) -> Decode:
    """The decoder of values without a frame, by the schema of a file.

    Raises StopRun for a file that is not an Avro schema; the decoder raises Rejection.
    """
    if file.path is None:
        raise AssertionError("settings let raw_avro pass without a schema file")
    return reader(_of_file(file.path), None, framed=False)


def _of_file(path: Path) -> Node:
    try:
        node = parsed(json.loads(path.read_text("utf-8")))
        check_defaults(node)
    except (OSError, ValueError, RecursionError) as error:
        raise StopRun(f"[format]: {path} is not an Avro schema: {error}") from None
    except SchemaError as error:
        raise StopRun(
            f"[format]: {path}: {error}\n  remedy: correct the schema, whose defaults are values "
            "of their fields' types"
        ) from None
    return node


def reader(writer: Node, target: Node | None, *, framed: bool) -> Decode:
    """The function from a value's bytes to the value, resolved to a reader's schema if given.

    It raises Rejection. `framed`: the bytes are those of Confluent's serializers. Raises
    SchemaError for a schema of too many types.
    """
    if framed and writer.type == "bytes" and (target is None or target.type == "bytes"):
        return _bare_bytes(writer, target)
    extra = 0 if target is None else max_fields(target)
    measure = Measure(writer, extra)
    worst = measure.worst
    plain = compiled(writer, target, measure, None)
    counting: Function | None = None

    def read(data: bytes) -> Any:
        nonlocal counting
        size = len(data)
        function = plain
        if worst and worst * max(1, size) > MAX_VALUES:  # infinity times zero is not a number
            if counting is None:
                counting = compiled(writer, target, measure, extra)
            function = counting
        try:
            value, end = function(data, 0, size, [0, 0, 0])
        except (Rejection, MemoryError):
            raise
        except (DamagedError, IndexError, struct.error):
            raise Rejection(
                "avro_invalid", "not Avro of its schema: truncated, or of another schema"
            ) from None
        except UnicodeError:
            raise Rejection("avro_invalid", "not Avro of its schema: a text is not UTF-8") from None
        except RecursionError:
            raise Rejection("avro_depth", f"nested deeper than {MAX_DEPTH} levels") from None
        except Exception as error:  # noqa: BLE001 - the boundary to code made of a schema
            raise Rejection(
                "avro_invalid", f"not Avro of its schema ({type(error).__name__})"
            ) from None
        if end < size:
            raise Rejection("avro_length", "longer than its Avro schema says")
        if end > size:
            raise Rejection("avro_invalid", "not Avro of its schema: truncated")
        return value

    return read


def _bare_bytes(writer: Node, target: Node | None) -> Decode:
    """Read top-level bytes, which Confluent's serializers write without their length."""
    convert = conversion(writer, target)
    return (lambda data: data) if convert is None else convert
