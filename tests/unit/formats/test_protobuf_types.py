"""Protobuf's well-known types of Google and Confluent, which no registry hands out; descriptors."""

from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from connectors.errors import Rejection, StopRun
from connectors.formats import protobuf_file
from connectors.formats.protobuf_types import _SMALL_FILES
from connectors.formats.schemas import SchemaFile, Schemas
from connectors.settings.formats import FormatSettings
from tests.support.registry import SchemaRegistry
from tests.unit.formats.conftest import MakeDecoder, framed
from tests.unit.formats.protobuf_messages import F, field, order_file, text_of


def by_file(path: Path, message: str) -> Callable[[bytes], Any]:
    """The decoder of a message that a file of descriptors has."""
    return protobuf_file.decoder(Schemas(FormatSettings(), None), SchemaFile(path, message))


def types_file() -> FileDescriptorProto:
    """A message with a field of each type, by a file that imports them all."""
    file = FileDescriptorProto(name="types.proto", syntax="proto3", dependency=[*_SMALL_FILES])
    message = file.message_type.add(name="Types")
    for number, (name, kind) in enumerate(
        (("amount", "confluent.type.Decimal"), ("day", "google.type.Date"),
         ("clock", "google.type.TimeOfDay"), ("money", "google.type.Money")), 1,
    ):  # fmt: skip
        message.field.append(field(name, number, F.TYPE_MESSAGE, f".{kind}"))
    return file


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        (b"\x0a\x05\x0a\1\x7f\x18\2", "amount", Decimal("1.27")),
        (b"\x12\7\x08\xea\x0f\x10\1\x18\x1f", "day", date(2026, 1, 31)),
        (b"\x12\2\x10\1", "day", {"year": 0, "month": 1, "day": 0}),
        (b"\x1a\6\x08\1\x10\2\x18\3", "clock", time(1, 2, 3)),
        (b"\x1a\2\x08\x18", "clock", timedelta(days=1)),
        (
            b"\x22\5\x0a\3EUR",
            "money",
            {"currency_code": "EUR", "units": 0, "nanos": 0},
        ),
    ],
)
def test_each_type(
    registry: SchemaRegistry, decoder: MakeDecoder, body: bytes, name: str, value: Any
) -> None:
    """As Confluent's converter writes Connect's types."""
    number = registry.register(text_of(types_file()), "PROTOBUF")
    assert decoder("protobuf")(framed(number, b"\0" + body))[name] == value


@pytest.mark.parametrize("body", [b"\x0a\2\x18\2", b"\x12\6\x08\1\x10\x0d\x18\1", b"\x0a\0"])
def test_values_that_are_none(registry: SchemaRegistry, decoder: MakeDecoder, body: bytes) -> None:
    """A decimal of no bytes, a month 13."""
    number = registry.register(text_of(types_file()), "PROTOBUF")
    with pytest.raises(Rejection) as caught:
        decoder("protobuf")(framed(number, b"\0" + body))
    assert caught.value.code == "protobuf_time"


def test_a_bad_schema_is_named(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """With its id, and with what the library finds wrong in it."""
    file = FileDescriptorProto(name="a.proto", syntax="proto3")
    file.message_type.add(name="A").field.append(field("b", 1, F.TYPE_MESSAGE, ".nowhere.B"))
    number = registry.register(text_of(file), "PROTOBUF")
    with pytest.raises(Rejection, match=rf"schema {number}.*nowhere\.B") as caught:
        decoder("protobuf")(framed(number, b"\0"))
    assert caught.value.code == "schema_bad"


def test_a_file_of_descriptors(tmp_path: Path) -> None:
    """Any message of it, nested ones too; known imports need not be in it."""
    path = tmp_path / "descriptors"
    path.write_bytes(FileDescriptorSet(file=[order_file(), types_file()]).SerializeToString())
    assert by_file(path, "shop.First")(b"\x08\5") == {"a": 5}
    assert by_file(path, "shop.Order.Line")(b"") == {"n": 0.0}
    assert by_file(path, "Types")(b"")["day"] is None
    with pytest.raises(Rejection):
        by_file(path, "shop.First")(b"\x08")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"\xff", "not a file of descriptors"),
        (lambda: FileDescriptorSet(file=[order_file()]).SerializeToString(), "shop.First"),
        (
            lambda: FileDescriptorSet(
                file=[FileDescriptorProto(name="a", dependency=["gone.proto"])]
            ).SerializeToString(),
            "include_imports",
        ),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, make: Callable[[], bytes], words: str) -> None:
    """The run does not start, and the text has the remedy, or the names that there are."""
    path = tmp_path / "descriptors"
    path.write_bytes(make())
    with pytest.raises(StopRun, match=words):
        by_file(path, "shop.Nothing")
    with pytest.raises(StopRun, match="not a file of descriptors"):
        by_file(tmp_path / "gone", "shop.Nothing")
