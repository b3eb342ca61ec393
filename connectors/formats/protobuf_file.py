"""Protobuf without a Schema Registry: bare messages of one type, by a file of descriptors.

The file is a FileDescriptorSet, as `protoc --include_imports --descriptor_set_out=FILE` makes it
[protobuf-descriptors].
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from connectors.errors import StopRun
from connectors.formats.protobuf import message_decoder, why
from connectors.formats.protobuf_types import add_known
from connectors.formats.schemas import SchemaFile, Schemas

_REMEDY = (
    "\n  remedy: make it by protoc --include_imports --descriptor_set_out=FILE, of the .proto file "
    "that has the message"
)


def decoder(_: Schemas, file: SchemaFile) -> Callable[[bytes], Any]:
    """The decoder of bare messages. It raises Rejection; raises StopRun for an unusable file."""
    if file.path is None or file.message is None:
        raise AssertionError("settings let raw_protobuf pass without a schema file or message")
    return message_decoder(_message(file.path, file.message))


def _message(path: Path, name: str) -> Descriptor:
    try:
        files = FileDescriptorSet.FromString(path.read_bytes()).file
    except (OSError, DecodeError) as error:
        raise StopRun(f"[format]: {path} is not a file of descriptors: {error}{_REMEDY}") from None
    pool = DescriptorPool()
    added: set[str] = set()
    own = {file.name for file in files}
    try:
        for file in files:
            for imported in file.dependency:
                if imported not in own:
                    add_known(pool, imported, added)
            pool.Add(file)  # type: ignore[no-untyped-call]
        found: Descriptor = pool.FindMessageTypeByName(name)  # type: ignore[no-untyped-call]
    except KeyError:
        there = sorted(f"{file.package}.{one.name}" for file in files for one in file.message_type)
        raise StopRun(
            f"[format]: {path} has no message {name!r}; it has {', '.join(there[:20]) or 'none'}"
        ) from None
    except (TypeError, ValueError) as error:
        raise StopRun(f"[format]: {path}: {why(error)}{_REMEDY}") from None
    return found
