"""JSON Schema by a Schema Registry: framed JSON whose schema is in the registry [schema-registry].

The value is decoded as JSON. It is not validated again: its producer did that against the same
schema, and the mapping checks what the table accepts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.formats import json
from connectors.formats.schema_registry import Registry


def decoder(registry: Registry) -> Callable[[bytes], Any]:
    """The decoder of JSON framed by a Schema Registry. It raises Rejection."""

    def decode(data: bytes) -> Any:
        _, body = registry.framed(data, "JSON", lambda _: True)
        return json.decode(body)

    return decode
