"""The clients: the properties that delivery rests on, and what is not accepted."""

import logging
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from connectors.errors import StopRun
from connectors.kafka.clients import ClientErrors, KafkaClients
from connectors.settings.kafka import KafkaSettings
from tests.unit.factories import CANARY, settings
from tests.unit.fake_clock import FakeClock


def kafka(**options: Any) -> KafkaSettings:
    """[kafka] settings."""
    return settings(kafka=options).kafka


def test_what_delivery_rests_on_cannot_be_overridden() -> None:
    """Auto-commit off, lost offsets an error; the user's properties and secrets besides."""
    made = kafka(
        group="readers",
        properties={"client.id": "me"},
        secret_properties={"sasl.password": CANARY},
    )
    made_with: list[dict[str, Any]] = []

    def constructor(properties: dict[str, Any], logger: object) -> Any:
        made_with.append(properties)

    KafkaClients(consumer=constructor).consumer(made, ClientErrors(), **{"fetch.max.bytes": 5})
    (properties,) = made_with
    assert properties["group.id"] == "readers"
    assert properties["enable.auto.commit"] is False
    assert properties["enable.auto.offset.store"] is False
    assert properties["auto.offset.reset"] == "error"
    assert properties["client.id"] == "me"
    assert properties["sasl.password"] == CANARY
    assert properties["fetch.max.bytes"] == 5


@pytest.mark.parametrize(
    "properties", [{"no.such.property": "x"}, {"session.timeout.ms": "soon"}, {"debug": CANARY}]
)
def test_a_property_that_the_client_does_not_accept_stops(properties: dict[str, str]) -> None:
    """The client itself judges its properties; the text keeps its words and adds the remedy."""
    with pytest.raises(StopRun) as caught:
        KafkaClients().consumer(kafka(properties=properties), ClientErrors())
    assert next(iter(properties)) in str(caught.value)
    assert "kafka.properties" in str(caught.value)


def test_a_secret_that_is_not_accepted_is_not_shown() -> None:
    """A secret that librdkafka does not accept is not in the text that it gives."""
    made = kafka(properties={"security.protocol": "ssl"}, secret_properties={"ssl.key.pem": CANARY})
    with pytest.raises(StopRun) as caught:
        KafkaClients().consumer(made, ClientErrors())
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__cause__)


def test_a_missing_secret_file_stops(tmp_path: Path) -> None:
    """The text has option and path; no client is made."""
    made = kafka(secret_property_files={"sasl.password": str(tmp_path / "nope")})
    with pytest.raises(StopRun, match=r"secret_property_files.*nope"):
        KafkaClients().consumer(made, ClientErrors())


def test_client_errors_keep_the_last_word(caplog: pytest.LogCaptureFixture) -> None:
    """Empty at first; then the newest, in brackets, as a part of other texts."""
    errors = ClientErrors()
    assert str(errors) == ""
    errors(KafkaError(KafkaError._TRANSPORT, "first"))
    errors(KafkaError(KafkaError._AUTHENTICATION, "second"))
    assert str(errors) == " (second)"
    assert "first" in caplog.text


def test_a_producer_confirms_and_repeats_without_end() -> None:
    """Whatever the user sets besides: all replicas, in order, no limit of time."""
    made_with: list[dict[str, Any]] = []

    def constructor(properties: dict[str, Any], logger: object) -> Any:
        made_with.append(properties)

    KafkaClients(producer=constructor).producer(
        {"acks": 0, "client.id": "me"}, ClientErrors(), logging.getLogger(), purpose="x", remedy="y"
    )
    (properties,) = made_with
    assert properties["acks"] == "all"
    assert properties["enable.idempotence"] is True
    assert properties["message.timeout.ms"] == 0
    assert properties["client.id"] == "me"


def test_a_producer_whose_configuration_is_not_accepted_stops() -> None:
    """The text begins with the purpose and ends with the remedy."""
    with pytest.raises(StopRun, match=r"(?s)^replay: .*no\.such\.property.*remedy: correct it$"):
        KafkaClients().producer(
            {"no.such.property": "x"},
            ClientErrors(),
            logging.getLogger(),
            purpose="replay",
            remedy="correct it",
        )


def test_an_error_that_comes_again_and_again_is_logged_once_in_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It comes with every attempt to connect; how long the attempt took makes it no other error."""
    clock = FakeClock(0.0)
    errors, text = ClientErrors(clock), ""
    with caplog.at_level(logging.WARNING):
        for attempt in range(40):
            clock.now += 1
            text = f"b:9092: refused (after {attempt}ms in state CONNECT)"
            errors(KafkaError(KafkaError._TRANSPORT, text))
        logging.getLogger("sync.kafka").error("FAIL [thrd:b:9092]: refused")
    assert [record.getMessage()[:29] for record in caplog.records] == [
        "Kafka client: b:9092: refused"
    ] * 2
    assert str(errors) == f" ({text})"
