"""The start at a group's offsets: what is asked, and the error without an answer."""

from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka.clients import KafkaClients
from connectors.kafka.group_offsets import starts_of_group
from tests.unit.factories import settings
from tests.unit.kafka.fake_kafka import FakeAdmin, FakeBrokers

PARTITIONS = [TopicPartition("orders", 0), TopicPartition("orders", 1)]


class Client:
    """A consumer of the group."""

    offsets: Any = (5, -1001)
    error: Exception | None = None
    marks: Any = (2, 9)
    closed = 0
    properties: ClassVar[list[dict[str, Any]]] = []

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """The committed offsets of the group."""
        assert timeout == 10
        if Client.error is not None:
            raise Client.error
        return [
            TopicPartition(each.topic, each.partition, offset)
            for each, offset in zip(partitions, Client.offsets, strict=True)
        ]

    def offsets_for_times(
        self, partitions: list[TopicPartition], timeout: float
    ) -> list[TopicPartition]:
        """What the broker has: its first offsets, or its ends."""
        return [
            TopicPartition(each.topic, each.partition, Client.marks[each.offset + 2])
            for each in partitions
        ]

    def poll(self, timeout: float) -> None:
        """Callbacks run here."""

    def close(self) -> None:
        """Counted."""
        Client.closed += 1


@pytest.fixture
def brokers() -> FakeBrokers:
    """Only their groups matter here; nothing is left of another test's client."""
    Client.offsets, Client.error, Client.marks, Client.closed = (5, -1001), None, (2, 9), 0
    Client.properties = []
    return FakeBrokers()


def starts(brokers: FakeBrokers, **kafka: Any) -> dict[str, int]:
    """The starts of two partitions."""

    def consumer(properties: dict[str, Any], logger: object) -> Any:
        Client.properties.append(properties)
        return Client()

    def admin(properties: dict[str, Any], logger: object) -> Any:
        return FakeAdmin(brokers)

    made = settings(kafka={"start": "group:connect-a", **kafka}).kafka
    clients = KafkaClients(consumer=consumer, admin=admin)
    return starts_of_group(made, clients, "connect-a", PARTITIONS)


def test_a_group_with_members_stops(brokers: FakeBrokers) -> None:
    """Its offsets still move: the number of members and the remedy are in the text."""
    brokers.members = ["one", "two"]
    with pytest.raises(StopRun, match=r"connect-a is still at work \(2 members\)"):
        starts(brokers)


@pytest.mark.parametrize(("choice", "second"), [("earliest", 2), ("latest", 9)])
def test_where_each_starts(brokers: FakeBrokers, choice: str, second: int) -> None:
    """At the committed offset; without one, where start_without_offset says. As that group."""
    assert starts(brokers, start_without_offset=choice) == {"orders:0": 5, "orders:1": second}
    assert Client.properties[0]["group.id"] == "connect-a"
    assert Client.closed == 1


@pytest.mark.parametrize("offset", [2, 9])
def test_both_ends_are_within_the_log(brokers: FakeBrokers, offset: int) -> None:
    """The oldest record, and the one that comes next."""
    Client.offsets = (offset, offset)
    assert starts(brokers) == {"orders:0": offset, "orders:1": offset}


@pytest.mark.parametrize("offset", [1, 10])
@pytest.mark.parametrize(("choice", "start"), [("stop", None), ("earliest", 2), ("latest", 9)])
def test_outside_the_log(brokers: FakeBrokers, offset: int, choice: str, start: int | None) -> None:
    """As kafka.lost_offset says."""
    Client.offsets = (offset, 5)
    if start is None:
        with pytest.raises(StopRun, match=rf"partition 0.*offset {offset}.*2 to 9") as caught:
            starts(brokers, lost_offset=choice)
        assert "remedy" in str(caught.value)
    else:
        assert starts(brokers, lost_offset=choice) == {"orders:0": start, "orders:1": 5}


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError._TIMED_OUT, "check that the brokers run"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "grant Read and Describe on that group"),
    ],
)
def test_no_answer_stops(brokers: FakeBrokers, code: int, remedy: str) -> None:
    """With the group, the time limit and the remedy; nothing is guessed, the client is closed."""
    Client.error = KafkaException(KafkaError(code))
    with pytest.raises(StopRun, match=r"group connect-a within 10 s") as caught:
        starts(brokers)
    assert remedy in str(caught.value)
    assert Client.closed == 1


def test_no_watermarks_stops(brokers: FakeBrokers) -> None:
    """The client answers None when it has none."""
    Client.marks = None
    with pytest.raises(StopRun, match=r"topic orders partition 0 .*within 10 s"):
        starts(brokers)


def test_stop_without_an_offset(brokers: FakeBrokers) -> None:
    """Names the partition and the choices."""
    with pytest.raises(StopRun, match="orders partition 1") as caught:
        starts(brokers, start_without_offset="stop")
    assert "start_without_offset" in str(caught.value)
