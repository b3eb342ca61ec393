"""The Schema Registry: asked once a schema, and its troubles are told apart."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Rejection, StopRun
from connectors.settings.formats import FormatSettings, RegistrySettings
from tests.support.registry import SchemaRegistry
from tests.unit.factories import CANARY
from tests.unit.formats.conftest import Decode, Impatient, framed

MakeDecoder = Callable[..., Decode]
LONG = json.dumps("long")


def test_a_schema_is_asked_for_once(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """However many records have it."""
    number = registry.register(LONG)
    decode = decoder("avro")
    assert [decode(framed(number, bytes([n * 2]))) for n in range(5)] == [0, 1, 2, 3, 4]
    assert registry.requests == [f"/schemas/ids/{number}"]


def test_an_unknown_id_is_a_bad_record(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """And a stream of them does not become a stream of requests."""
    decode = decoder("avro", registry={"url": registry.url, "unknown_wait": 0})
    for _ in range(10):
        with pytest.raises(Rejection) as caught:
            decode(framed(7, b"\0"))
        assert caught.value.code == "schema_unknown"
    assert len(registry.requests) == 1


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\0", b"\1\0\0\0\1x", b'{"a":1}'])
def test_bytes_without_a_frame_are_a_bad_record(decoder: MakeDecoder, data: bytes) -> None:
    """Bytes that do not start with a complete frame are rejected with the code schema_frame."""
    for word in ("avro", "protobuf", "json_schema"):
        with pytest.raises(Rejection) as caught:
            decoder(word)(data)
        assert caught.value.code == "schema_frame"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_trouble_is_waited_out(registry: SchemaRegistry, decoder: MakeDecoder, status: int) -> None:
    """Nothing is rejected for it, and afterwards the record is decoded."""
    number = registry.register(LONG)
    decode = decoder("avro")
    registry.fault = lambda _: (status, b"<html>")
    with pytest.raises(Impatient, match=f"HTTP {status}"):
        decode(framed(number, b"\2"))
    registry.fault = lambda _: (200, b"<html>")
    with pytest.raises(Impatient, match="not JSON"):
        decode(framed(number, b"\2"))
    registry.fault = lambda _: None
    assert decode(framed(number, b"\2")) == 1


def test_a_registry_that_is_not_there_is_waited_for() -> None:
    """Nothing listens on that port."""
    from connectors.formats.factory import decoders
    from tests.unit.formats.conftest import impatient

    with SchemaRegistry() as gone:
        url = gone.url
    decode, _ = decoders(
        FormatSettings.model_validate({"value": "avro", "registry": {"url": url}}), impatient
    )
    with pytest.raises(Impatient, match="schema registry"):
        decode(framed(1, b"\2"))


@pytest.mark.P5
@pytest.mark.parametrize(
    ("status", "remedy"), [(401, "username"), (403, "username"), (301, "format.registry.url")]
)
def test_a_refusal_of_everything_stops(
    registry: SchemaRegistry, decoder: MakeDecoder, status: int, remedy: str
) -> None:
    """P5: with the remedy in the text."""
    registry.fault = lambda _: (status, b"")
    with pytest.raises(StopRun, match=remedy):
        decoder("avro")(framed(1, b"\2"))


def test_credentials_are_sent_and_shown_nowhere(
    registry: SchemaRegistry, decoder: MakeDecoder, tmp_path: Path
) -> None:
    """User and password, or a token; each from the environment or a file."""
    number = registry.register(LONG)
    file = tmp_path / "secret"
    file.write_text(CANARY + "\n")
    url = registry.url
    for given in (
        {"username": "reader", "password": CANARY},
        {"username": "reader", "password_file": str(file)},
        {"token": CANARY},
        {"token_file": str(file)},
    ):
        made = RegistrySettings.model_validate({"url": url, **given})
        assert CANARY not in repr(made)
        decoder("avro", registry={"url": url, **given})(framed(number, b"\2"))
    basic, same, bearer, again = registry.authorizations
    assert basic == same
    assert basic is not None
    assert basic.startswith("Basic ")
    assert bearer == again == f"Bearer {CANARY}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "x"}, "url is not an http or https URL"),
        ({"url": "https://a:port"}, "illegal host or port"),
        ({"url": "https://a:99999"}, "illegal host or port"),
        ({"url": "https://a..b"}, "illegal host"),
        ({"url": "https://a?x=1"}, "more than scheme"),
        ({"url": "https://a,"}, "an empty entry"),
        ({"url": "https://a, b:8081"}, "url is not an http or https URL"),
        ({"url": "https://a,http://schemas.example.com"}, "allow_plain_http"),
        ({"url": "http://schemas.example.com"}, "must be https"),
        ({"url": "https://a:b@c"}, "user name"),
        ({"url": "https://a", "username": "u"}, "needs username and password"),
        ({"url": "https://a", "password": "p"}, "needs username and password"),
        ({"url": "https://a", "token": "t", "token_file": "f"}, "set one of"),
        ({"url": "https://a", "certificate_file": "f"}, "set both"),
    ],
)
def test_wrong_settings_are_reported(given: dict[str, str], told: str) -> None:
    """Wrong settings are reported with the name of the option at fault."""
    with pytest.raises(ValueError, match=told):
        RegistrySettings.model_validate(given)


def test_a_schema_of_another_kind(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """A record whose schema is not of the configured format is bad, alone."""
    number = registry.register(LONG)
    with pytest.raises(Rejection) as caught:
        decoder("json_schema")(framed(number, b"1"))
    assert caught.value.code == "schema_kind"


def test_json_schema(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """The JSON behind the frame; what is none is rejected as JSON is."""
    number = registry.register('{"type": "object"}', "JSON")
    decode = decoder("json_schema")
    assert decode(framed(number, b'{"a": 18446744073709551616}')) == {"a": 2**64}
    with pytest.raises(Rejection) as caught:
        decode(framed(number, b"{"))
    assert caught.value.code == "json_invalid"


@pytest.mark.parametrize("text", ["{", '"long"'], ids=["no schema", "of another kind"])
def test_a_bad_schema_is_asked_for_once(
    registry: SchemaRegistry, decoder: MakeDecoder, text: str
) -> None:
    """A stream of its records does not become a stream of requests."""
    number = registry.register(text, "AVRO" if text == "{" else "JSON")
    decode = decoder("avro")
    for _ in range(10):
        with pytest.raises(Rejection):
            decode(framed(number, b"\2"))
    assert len(registry.requests) == 1


@pytest.mark.P5
@pytest.mark.parametrize("body", [b"<html>", b'{"error_code": 404, "message": "HTTP 404"}', b"[]"])
def test_a_404_that_is_no_registrys_stops(
    registry: SchemaRegistry, decoder: MakeDecoder, body: bytes
) -> None:
    """P5: a wrong path or a proxy must not turn every record into a bad one."""
    registry.fault = lambda _: (404, body)
    with pytest.raises(StopRun, match=r"format\.registry\.url"):
        decoder("avro")(framed(1, b"\2"))


@pytest.mark.parametrize("body", [b"{}", b'{"schema": 5}', b"[]", b"[" * 100_000])
def test_an_answer_without_a_schema_is_trouble(
    registry: SchemaRegistry, decoder: MakeDecoder, body: bytes
) -> None:
    """It says nothing about the record."""
    registry.fault = lambda _: (200, body)
    with pytest.raises(Impatient):
        decoder("avro")(framed(1, b"\2"))


@pytest.mark.parametrize(
    "references",
    [
        [{"name": "x", "subject": "me", "version": 1}],
        [{"name": "x", "subject": "nobody", "version": 1}],
        [{"name": "x", "subject": "me"}],
        ["x"],
        5,
    ],
    ids=["itself", "nobody", "no version", "no object", "no list"],
)
def test_references_that_are_none(
    registry: SchemaRegistry, decoder: MakeDecoder, references: Any
) -> None:
    """Reject the record; a schema that imports itself does not go round for ever."""
    number = registry.register(LONG, references=references, subject="me")
    given = {"url": registry.url, "unknown_wait": 0}
    with pytest.raises(Rejection) as caught:
        decoder("avro", registry=given)(framed(number, b"\2"))
    assert caught.value.code == "schema_bad"
    assert len(registry.requests) <= 3


def test_a_shared_reference_is_fetched_once(registry: SchemaRegistry, decoder: MakeDecoder) -> None:
    """Two schemas that both import a third one."""

    def to(*names: str) -> list[dict[str, Any]]:
        return [{"name": name, "subject": name, "version": 1} for name in names]

    def record(name: str, *kinds: str) -> str:
        fields = [{"name": kind.lower(), "type": kind} for kind in kinds]
        return json.dumps({"type": "record", "name": name, "fields": fields})

    registry.register('{"type": "enum", "name": "A", "symbols": ["ONE"]}', subject="A")
    registry.register(record("B", "A"), references=to("A"), subject="B")
    registry.register(record("C", "A"), references=to("A"), subject="C")
    number = registry.register(record("D", "B", "C", "A"), references=to("B", "C", "A"))
    one = {"a": "ONE"}
    assert decoder("avro")(framed(number, b"\0\0\0")) == {"b": one, "c": one, "a": "ONE"}
    assert len(registry.requests) == 4
