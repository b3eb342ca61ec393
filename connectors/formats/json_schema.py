"""JSON Schema by a Schema Registry: framed JSON whose schema the registry knows.

The value is read as JSON. It is not validated again: whoever produced it did that against the same
schema, and what the table takes is checked by the mapping.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.formats import json
from connectors.formats.schema_registry import Registry


def decoder(registry: Registry) -> Callable[[bytes], Any]:
    """The function from framed bytes to the value. Raises Rejection."""

    def decode(data: bytes) -> Any:
        _, body = registry.framed(data, "JSON", lambda _: True)
        return json.decode(body)

    return decode
