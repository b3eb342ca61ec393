"""The start at a group's offsets: what is asked, and what is said when it is not told."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.errors import StopRun
from connectors.kafka import group_offsets as committed
from connectors.kafka.group_offsets import starts_of_group
from tests.unit.factories import settings

PLACES = [TopicPartition("orders", 0), TopicPartition("orders", 1)]


class Client:
    """A consumer of the group."""

    offsets: Any = (5, -1001)
    error: Exception | None = None
    marks: Any = (2, 9)
    closed = 0

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        """What the group has."""
        assert timeout == 10
        if Client.error is not None:
            raise Client.error
        return [
            TopicPartition(place.topic, place.partition, offset)
            for place, offset in zip(places, Client.offsets, strict=True)
        ]

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> Any:
        """What the broker has."""
        return Client.marks

    def poll(self, timeout: float) -> None:
        """Callbacks run here."""

    def close(self) -> None:
        """Counted."""
        Client.closed += 1


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Clients made of plain objects; returns the properties that each was given."""
    made: list[dict[str, Any]] = []
    Client.offsets, Client.error, Client.marks, Client.closed = (5, -1001), None, (2, 9), 0

    def consumer(_settings: object, _errors: object, **extra: Any) -> Client:
        made.append(extra)
        return Client()

    monkeypatch.setattr(committed, "consumer", consumer)
    monkeypatch.setattr(committed, "_refuse_active", lambda *_: None)
    return made


def starts(**kafka: Any) -> dict[str, int]:
    """Where two partitions start."""
    made = settings(kafka={"start": "group:connect-a", **kafka}).kafka
    return starts_of_group(made, "connect-a", PLACES)


@pytest.mark.parametrize(("choice", "second"), [("earliest", 2), ("latest", 9)])
def test_where_each_starts(client: list[dict[str, Any]], choice: str, second: int) -> None:
    """At the committed offset; without one, where start_without_offset says. As that group."""
    assert starts(start_without_offset=choice) == {"orders:0": 5, "orders:1": second}
    assert client[0]["group.id"] == "connect-a"
    assert Client.closed == 1


@pytest.mark.parametrize("offset", [2, 9])
def test_both_ends_are_within_the_log(offset: int) -> None:
    """The oldest record, and the one that comes next."""
    Client.offsets = (offset, offset)
    assert starts() == {"orders:0": offset, "orders:1": offset}


@pytest.mark.parametrize("offset", [1, 10])
@pytest.mark.parametrize(("choice", "start"), [("stop", None), ("earliest", 2), ("latest", 9)])
def test_outside_the_log(offset: int, choice: str, start: int | None) -> None:
    """As kafka.lost_offset says."""
    Client.offsets = (offset, 5)
    if start is None:
        with pytest.raises(StopRun, match=rf"partition 0.*offset {offset}.*2 to 9") as caught:
            starts(lost_offset=choice)
        assert "remedy" in str(caught.value)
    else:
        assert starts(lost_offset=choice) == {"orders:0": start, "orders:1": 5}


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError._TIMED_OUT, "check that the brokers run"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "grant Read and Describe on that group"),
    ],
)
def test_no_answer_stops(code: int, remedy: str) -> None:
    """With the group, the time limit and the remedy; nothing is guessed, the client is closed."""
    Client.error = KafkaException(KafkaError(code))
    with pytest.raises(StopRun, match=r"group connect-a within 10 s") as caught:
        starts()
    assert remedy in str(caught.value)
    assert Client.closed == 1


def test_no_watermarks_stops() -> None:
    """The client answers None when it has none."""
    Client.marks = None
    with pytest.raises(StopRun, match=r"topic orders partition 0 within 10 s"):
        starts()


def test_stop_without_an_offset() -> None:
    """Names the partition and the choices."""
    with pytest.raises(StopRun, match="orders partition 1") as caught:
        starts(start_without_offset="stop")
    assert "start_without_offset" in str(caught.value)
