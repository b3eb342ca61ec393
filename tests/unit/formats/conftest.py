"""A Schema Registry, and decoders that ask it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors.formats.factory import decoders
from connectors.settings.formats import FormatSettings
from tests.support.registry import SchemaRegistry
from tests.unit.formats.protobuf_messages import ORDER_TEXT, order_file, text_of

Decode = Callable[[bytes], Any]
MakeDecoder = Callable[..., Decode]


class Impatient(Exception):  # noqa: N818 - a test's own
    """Raised instead of waiting."""


def impatient(reason: str) -> None:
    """Raise Impatient instead of waiting."""
    raise Impatient(reason)


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    """A registry of its own for each test."""
    with SchemaRegistry() as made:
        yield made


@pytest.fixture
def decoder(registry: SchemaRegistry) -> MakeDecoder:
    """Makes the decoder of values of a format."""

    def make(word: str, **settings: Any) -> Decode:
        given = {"registry": {"url": registry.url}, **settings}
        return decoders(FormatSettings.model_validate({"value": word, **given}), impatient)[0]

    return make


@pytest.fixture
def order(registry: SchemaRegistry) -> int:
    """The id of the Protobuf schema with the message Order."""
    return registry.register(text_of(order_file()), "PROTOBUF", proto_text=ORDER_TEXT)


def framed(number: int, body: bytes) -> bytes:
    """The frame of a Schema Registry's serializers."""
    return b"\0" + number.to_bytes(4, "big") + body
