"""Passing and final answers of a Schema Registry: what is waited for, rejected, and what stops."""

import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.errors import Rejection, StopRun
from connectors.formats.registry_client import RegistryClient
from connectors.formats.schema_registry import Registry
from connectors.settings.formats import RegistrySettings
from tests.support.registry import SchemaRegistry
from tests.unit.fake_clock import FakeClock
from tests.unit.formats.conftest import Decode, framed

MakeDecoder = Callable[..., Decode]
LONG = json.dumps("long")
UNKNOWN = json.dumps({"error_code": 40403, "message": "Schema not found"}).encode()
JERSEY = json.dumps({"error_code": 404, "message": "HTTP 404 Not Found"}).encode()


class Waits:
    """Waits of one second each, on a clock that only they move; the reasons are kept."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reasons: list[str] = []
        self.then: Callable[[int], None] = lambda _: None

    def __call__(self, reason: str) -> None:
        self.reasons.append(reason)
        self.clock.now += 1.0
        assert len(self.reasons) < 200, "it waits without end"
        self.then(len(self.reasons))


@pytest.fixture
def waits() -> Waits:
    """A fresh record of waits for each test."""
    return Waits()


def registry_of(waits: Waits, *urls: str, **given: Any) -> Registry:
    """A registry of these URLs."""
    settings = RegistrySettings.model_validate({"url": ",".join(urls), **given})
    return Registry(settings, waits, waits.clock)


def text_of(registry: Registry, number: int) -> str:
    """The text of a schema, as a decoder would get it."""
    made, _ = registry.framed(framed(number, b""), "AVRO", lambda schema: schema.text)
    return str(made)


def rejected(registry: Registry, number: int) -> Rejection:
    """Why the records of a schema are rejected."""
    with pytest.raises(Rejection) as caught:
        text_of(registry, number)
    return caught.value


def test_a_replica_that_lags_behind_is_waited_for(registry: SchemaRegistry, waits: Waits) -> None:
    """It answers 40403 for three seconds; nothing is rejected."""
    number = registry.register(LONG)
    registry.fault = lambda _: (404, UNKNOWN)

    def catch_up(times: int) -> None:
        if times == 3:
            registry.fault = lambda _: None

    waits.then = catch_up
    assert text_of(registry_of(waits, registry.url), number) == LONG
    assert len(waits.reasons) == 3
    assert "unknown_wait" in waits.reasons[0]


def test_an_unknown_id_is_waited_for_only_so_long(registry: SchemaRegistry, waits: Waits) -> None:
    """Then its records are rejected; it is asked for again later, but not waited for again."""
    known = registry_of(waits, registry.url, unknown_wait=5)
    assert rejected(known, 7).code == "schema_unknown"
    assert len(waits.reasons) == 5
    for _ in range(10):
        rejected(known, 7)
    waits.clock.now += 60
    requests = len(registry.requests)
    rejected(known, 7)
    assert len(waits.reasons) == 5
    assert len(registry.requests) == requests + 1


def test_many_unknown_ids_do_not_hold_up_the_others(registry: SchemaRegistry, waits: Waits) -> None:
    """A stream of garbage costs a tenth of the time at most."""
    known = registry_of(waits, registry.url, unknown_wait=10)
    for number in range(1000, 1100):
        rejected(known, number)
        waits.clock.now += 1.0
    assert len(waits.reasons) <= 10 + 0.1 * 130


@pytest.mark.parametrize("number", [2**31, 2**32 - 1])
@pytest.mark.parametrize("body", [JERSEY, UNKNOWN, b""])
def test_an_id_that_no_registry_can_have_is_a_bad_record(
    registry: SchemaRegistry, waits: Waits, number: int, body: bytes
) -> None:
    """The registry is not asked, so that no answer can stop the run."""
    registry.fault = lambda _: (404, body)
    found = rejected(registry_of(waits, registry.url), number)
    assert found.code == "schema_unknown"
    assert str(number) in found.reason
    assert registry.requests == []
    assert waits.reasons == []


@pytest.mark.parametrize("body", [JERSEY, b"<html>", b"", b"[]", b'{"error_code": "x"}'])
@pytest.mark.parametrize("status", [400, 404, 405, 410, 422, 302])
@pytest.mark.parametrize("has_answered", [True, False])
def test_an_answer_that_concerns_one_schema_never_stops(
    registry: SchemaRegistry, waits: Waits, status: int, body: bytes, has_answered: bool
) -> None:
    """Where another question gets the registry's answer, the record alone is rejected."""
    number = registry.register(LONG)
    registry.fault = lambda path: (status, body) if path.endswith("/4711") else None
    known = registry_of(waits, registry.url, unknown_wait=2)
    if has_answered:
        text_of(known, number)
    found = rejected(known, 4711)
    assert found.code == "schema_unknown"
    assert str(status) in found.reason
    assert text_of(known, number) == LONG


@pytest.mark.P5
def test_a_refusal_of_one_schema_and_of_all(registry: SchemaRegistry, waits: Waits) -> None:
    """403 for a schema while another one is handed out rejects; 403 for all stops the run."""
    number = registry.register(LONG)
    denied = json.dumps({"error_code": 40301, "message": "denied"}).encode()
    registry.fault = lambda path: (403, denied) if path.endswith("/4711") else None
    known = registry_of(waits, registry.url, unknown_wait=0)
    assert text_of(known, number) == LONG
    assert rejected(known, 4711).code == "schema_denied"
    registry.fault = lambda _: (403, denied)
    with pytest.raises(StopRun, match=r"format\.registry\.username"):
        text_of(known, 4712)


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>"), (404, JERSEY), (301, b""), (400, b"")]
)
def test_what_has_answered_before_is_waited_for(
    registry: SchemaRegistry, waits: Waits, status: int, body: bytes
) -> None:
    """A proxy that answers for it while it is replaced is no reason to stop."""
    one, two = registry.register(LONG), registry.register(LONG)
    known = registry_of(waits, registry.url)
    text_of(known, one)
    registry.fault = lambda _: (status, body)

    def mend(_: int) -> None:
        registry.fault = lambda _: None

    waits.then = mend
    assert text_of(known, two) == LONG
    assert len(waits.reasons) == 1
    assert str(status) in waits.reasons[0]


def test_several_urls_are_tried_in_turn(registry: SchemaRegistry, waits: Waits) -> None:
    """One that is gone, one that fails, one that lags: the one that has it is found at once."""
    with SchemaRegistry() as gone:
        away = gone.url
    number = registry.register(LONG)
    with SchemaRegistry() as failing, SchemaRegistry() as behind:
        failing.fault = lambda _: (500, b"")
        known = registry_of(waits, away, failing.url, behind.url, registry.url)
        assert text_of(known, number) == LONG
        assert waits.reasons == []
        # The one that answered is asked first from now on.
        second = registry.register(json.dumps("int"))
        asked = len(failing.requests), len(behind.requests)
        assert text_of(known, second) == '"int"'
        assert (len(failing.requests), len(behind.requests)) == asked


def test_all_urls_away_are_waited_for(waits: Waits) -> None:
    """And the reason names each of them."""
    with SchemaRegistry() as one, SchemaRegistry() as two:
        urls = one.url, two.url

    class Enough(Exception):  # noqa: N818
        pass

    def enough(_: int) -> None:
        raise Enough

    waits.then = enough
    with pytest.raises(Enough):
        text_of(registry_of(waits, *urls), 1)
    assert all(url in waits.reasons[0] for url in urls)
    assert "nothing listens" in waits.reasons[0]


@pytest.mark.P5
def test_a_run_stops_only_when_no_url_can_be_used(registry: SchemaRegistry, waits: Waits) -> None:
    """One address that is wrong is no reason while another one is right."""
    number = registry.register(LONG)
    with SchemaRegistry() as wrong:
        wrong.fault = lambda _: (404, b"<html>")
        assert text_of(registry_of(waits, wrong.url, registry.url), number) == LONG
        registry.fault = lambda _: (401, b"")
        with pytest.raises(StopRun, match="remedy"):
            text_of(registry_of(waits, wrong.url, registry.url), number)


def test_a_secret_that_was_renewed_is_read_again(
    registry: SchemaRegistry, waits: Waits, tmp_path: Any
) -> None:
    """401 with the old token, and the file has a new one."""
    number = registry.register(LONG)
    file = tmp_path / "token"
    file.write_text("old")
    known = registry_of(waits, registry.url, token_file=str(file))
    registry.fault = lambda _: (401, b"") if registry.authorizations[-1] == "Bearer old" else None
    file.write_text("new\n")
    assert text_of(known, number) == LONG
    file.write_text("line\nbreak")
    with pytest.raises(StopRun, match="the token") as caught:
        registry_of(waits, registry.url, token_file=str(file))
    assert "break" not in str(caught.value).replace("line breaks", "")


def check(url: str, **given: Any) -> None:
    """What is done before a record is read."""
    RegistryClient(RegistrySettings.model_validate({"url": url, **given})).check()


@pytest.mark.P5
@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, b"<html>welcome", "not JSON"),
        (200, b"{}", "holds no schema"),
        (404, b"<html>", "HTTP 404"),
        (301, b"", "redirects"),
        (401, b"", "credentials"),
    ],
)
def test_a_page_that_is_no_registry_stops_the_start(
    registry: SchemaRegistry, status: int, body: bytes, words: str
) -> None:
    """With the remedy; no record is needed to find it out."""
    registry.fault = lambda _: (status, body)
    with pytest.raises(StopRun, match=words) as caught:
        check(registry.url)
    assert "remedy: set format.registry." in str(caught.value)


def test_the_start_asks_once_and_is_quiet(
    registry: SchemaRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """A registry without schemas is one, and so is one that has some."""
    check(registry.url)
    assert registry.requests == ["/schemas/ids/1"]
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://schemas.invalid:8081", "does not resolve"),
        ("http://127.0.0.1:9", "nothing listens"),
    ],
)
def test_what_may_pass_is_reported_at_the_start(
    url: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with the remedy; the run starts and waits when there is a record."""
    with caplog.at_level(logging.WARNING):
        check(url)
    (record,) = caplog.records
    assert words in record.message
    assert "format.registry.url" in record.message


@pytest.mark.P5
def test_tls_to_a_plain_port_stops_the_start(registry: SchemaRegistry) -> None:
    """Waiting mends nothing; the text says how to write the URL."""
    with pytest.raises(StopRun, match="does not speak TLS") as caught:
        check(registry.url.replace("http://", "https://"))
    assert "http://" in str(caught.value)


@contextmanager
def garbage_server(answer: bytes) -> Iterator[str]:
    """Answers each connection with these bytes and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("answer", [b"\x15\x03\x01\x00\x02\x02\x16", b"", b"garbage\r\n\r\n"])
def test_what_is_no_http_is_trouble(answer: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Such as http to a TLS port: reported, and no traceback."""
    with garbage_server(answer) as url, caplog.at_level(logging.WARNING):
        check(url, timeout=2)
    assert caplog.records
