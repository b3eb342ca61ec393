"""What the brokers say of topics: names, errors and answers, on a client made of plain objects."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import StopRun
from connectors.kafka import metadata as topics
from connectors.kafka.metadata import (
    ClientErrors,
    consumer,
    list_partitions,
    part_name,
    part_place,
)
from connectors.settings.kafka import KafkaSettings
from tests.unit.factories import CANARY, settings


def kafka(**options: Any) -> KafkaSettings:
    """[kafka] settings."""
    return settings(kafka=options).kafka


@given(st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True), st.integers(0, 10**6))
def test_a_partitions_name_leads_back_to_it(topic: str, partition: int) -> None:
    """Any legal topic name, with dots, dashes and digits at its end."""
    assert part_place(part_name(topic, partition)) == (topic, partition)


class Client:
    """Answers list_topics from a table; `errors` are raised instead."""

    made: ClassVar[list[dict[str, Any]]]
    answers: ClassVar[dict[str, tuple[int, int | None]]]
    asked: ClassVar[list[tuple[str | None, float]]]
    error: Exception | None = None
    closed = 0

    def __init__(self, properties: dict[str, Any], logger: logging.Logger) -> None:
        Client.made.append(properties)

    def poll(self, timeout: float) -> None:
        """The callbacks of librdkafka run here."""
        if Client.error is not None:
            Client.made[-1]["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "wrong password"))

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        """Of one topic or of all."""
        Client.asked.append((topic, timeout))
        if Client.error is not None:
            raise Client.error
        names = Client.answers if topic is None else [topic]
        found = {}
        for name in names:
            count, code = Client.answers.get(name, (0, KafkaError.UNKNOWN_TOPIC_OR_PART))
            error = None if code is None else KafkaError(code)
            found[name] = SimpleNamespace(partitions=dict.fromkeys(range(count)), error=error)
        return SimpleNamespace(cluster_id="cluster-1", topics=found)

    def close(self) -> None:
        """Counted."""
        Client.closed += 1


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> type[Client]:
    """The fake client in place of librdkafka's."""
    Client.made, Client.asked, Client.closed, Client.error = [], [], 0, None
    Client.answers = {
        "orders": (3, None),
        "orders-eu": (1, None),
        "my-orders": (1, None),
        "__consumer_offsets": (50, None),
        "forbidden": (0, KafkaError.TOPIC_AUTHORIZATION_FAILED),
    }
    monkeypatch.setattr(topics, "Consumer", Client)
    return Client


def test_named_topics(client: type[Client]) -> None:
    """Only they are asked for, each within its time; missing and forbidden ones are left out."""
    found = list_partitions(kafka(topics=["orders", "nowhere", "forbidden"], metadata_timeout=3))
    assert found == ("cluster-1", {"orders": 3})
    assert client.asked == [("orders", 3.0), ("nowhere", 3.0), ("forbidden", 3.0)]
    assert client.closed == 1


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("orders", ["orders"]),
        ("orders.*", ["orders", "orders-eu"]),
        (".*orders", ["my-orders", "orders"]),
        (".*", ["my-orders", "orders", "orders-eu"]),
        ("orders|my-orders", ["my-orders", "orders"]),
        ("nothing", []),
    ],
)
def test_a_pattern_matches_whole_names(
    client: type[Client], pattern: str, names: list[str]
) -> None:
    """Internal topics are never meant; one question for all."""
    assert sorted(list_partitions(kafka(topics_pattern=pattern)).topics) == names
    assert len(client.asked) == 1


def test_a_name_is_no_pattern(client: type[Client]) -> None:
    """A dot in a topic's name stands for itself."""
    client.answers = {"a.b": (1, None), "aXb": (1, None)}
    made = settings(kafka={"topics": ["a.b"]}, mapping={"topics": {"a.b": "ab"}}).kafka
    assert list_partitions(made).topics == {"a.b": 1}


def test_brokers_that_do_not_answer(client: type[Client]) -> None:
    """The text has brokers, time, the client's own reason, and remedies; the client is closed."""
    client.error = KafkaException(KafkaError(KafkaError._TRANSPORT, "no metadata"))
    with pytest.raises(StopRun) as caught:
        list_partitions(kafka(bootstrap_servers="b1:1", metadata_timeout=2))
    for word in ("b1:1", "2 s", "no metadata", "wrong password", "remedy"):
        assert word in str(caught.value)
    assert client.closed == 1


def test_what_delivery_rests_on_cannot_be_overridden(client: type[Client]) -> None:
    """Auto-commit off, lost offsets an error; the user's properties and secrets besides."""
    made = kafka(
        group="readers",
        properties={"client.id": "me"},
        secret_properties={"sasl.password": CANARY},
    )
    consumer(made, ClientErrors(), **{"fetch.max.bytes": 5})
    (properties,) = client.made
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
def test_a_property_that_the_client_refuses_stops(properties: dict[str, str]) -> None:
    """The client itself judges its properties; the text keeps its words and adds the remedy."""
    with pytest.raises(StopRun) as caught:
        consumer(kafka(properties=properties), ClientErrors())
    assert next(iter(properties)) in str(caught.value)
    assert "kafka.properties" in str(caught.value)


def test_a_refused_secret_is_not_shown() -> None:
    """A secret that librdkafka refuses is not in the text that it gives."""
    made = kafka(properties={"security.protocol": "ssl"}, secret_properties={"ssl.key.pem": CANARY})
    with pytest.raises(StopRun) as caught:
        consumer(made, ClientErrors())
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value.__cause__)


def test_a_missing_secret_file_stops(tmp_path: Path) -> None:
    """It is told by option and path before any client is made."""
    made = kafka(secret_property_files={"sasl.password": str(tmp_path / "nope")})
    with pytest.raises(StopRun, match=r"secret_property_files.*nope"):
        consumer(made, ClientErrors())


def test_client_errors_keep_the_last_word(caplog: pytest.LogCaptureFixture) -> None:
    """Empty at first; then the newest, in brackets, as a part of other texts."""
    errors = ClientErrors()
    assert str(errors) == ""
    errors(KafkaError(KafkaError._TRANSPORT, "first"))
    errors(KafkaError(KafkaError._AUTHENTICATION, "second"))
    assert str(errors) == " (second)"
    assert "first" in caplog.text
