"""What the brokers know of topics: names, errors and answers, on a client made of plain objects."""

import logging
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import StopRun
from connectors.kafka.clients import KafkaClients
from connectors.kafka.metadata import Cluster, list_partitions, partition_key, topic_partition_of
from connectors.settings.kafka import KafkaSettings
from tests.unit.factories import settings


def kafka(**options: Any) -> KafkaSettings:
    """[kafka] settings."""
    return settings(kafka=options).kafka


@given(st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True), st.integers(0, 10**6))
def test_a_partition_key_leads_back_to_its_partition(topic: str, partition: int) -> None:
    """Any legal topic name, with dots, dashes and digits at its end."""
    assert topic_partition_of(partition_key(topic, partition)) == (topic, partition)


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
        """The metadata of one topic or of all."""
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
def client() -> type[Client]:
    """The fake client, without the traces of another test."""
    Client.made, Client.asked, Client.closed, Client.error = [], [], 0, None
    Client.answers = {
        "orders": (3, None),
        "orders-eu": (1, None),
        "my-orders": (1, None),
        "__consumer_offsets": (50, None),
        "forbidden": (0, KafkaError.TOPIC_AUTHORIZATION_FAILED),
    }
    return Client


def found_by(client: type[Client], made: KafkaSettings) -> Cluster:
    """What is listed of the client's topics."""
    return list_partitions(made, KafkaClients(consumer=client))  # type: ignore[arg-type]


def test_named_topics(client: type[Client]) -> None:
    """Only they are asked for, each within its time; missing and forbidden ones are left out."""
    found = found_by(client, kafka(topics=["orders", "nowhere", "forbidden"], metadata_timeout=3))
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
    assert sorted(found_by(client, kafka(topics_pattern=pattern)).topics) == names
    assert len(client.asked) == 1


def test_a_name_is_no_pattern(client: type[Client]) -> None:
    """A dot in a topic's name stands for itself."""
    client.answers = {"a.b": (1, None), "aXb": (1, None)}
    made = settings(kafka={"topics": ["a.b"]}, mapping={"topics": {"a.b": "ab"}}).kafka
    assert found_by(client, made).topics == {"a.b": 1}


def test_brokers_that_do_not_answer(client: type[Client]) -> None:
    """The text has brokers, time, the client's own reason, and remedies; the client is closed."""
    client.error = KafkaException(KafkaError(KafkaError._TRANSPORT, "no metadata"))
    with pytest.raises(StopRun) as caught:
        found_by(client, kafka(bootstrap_servers="b1:1", metadata_timeout=2))
    for word in ("b1:1", "2 s", "no metadata", "wrong password", "remedy"):
        assert word in str(caught.value)
    assert client.closed == 1
