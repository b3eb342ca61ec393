"""Dead letters as the tests read them back: from a topic, or from a table."""

from typing import Any, NamedTuple

from confluent_kafka import Consumer, Message, TopicPartition

from tests.flows.conftest import Case
from tests.support.brokers import Broker, read_records
from tests.support.flow_process import FlowProcess
from tests.support.ledger import Place, Rejected
from tests.support.wait import until

LARGE = {"message.max.bytes": 8_000_000}
Headers = list[tuple[str, str | bytes | None]]


class DeadLetter(NamedTuple):
    """A dead letter as it arrived, whatever it arrived in."""

    place: Place
    code: str
    key: bytes | None
    value: bytes | None


def to_topic(case: Case, **settings: Any) -> str:
    """Send the case's dead letters to a topic of its own."""
    topic = case.broker.topic("dead", 1)
    case.flow.set(
        {
            "errors": {"tolerance": "all", "dead_letters": "kafka"},
            "dead_letters": {"topic": topic, "properties": LARGE, **settings},
        }
    )
    return topic


def to_table(case: Case) -> str:
    """Send the case's dead letters to a table of its own that the run makes."""
    table = case.broker.fresh_name("dead")
    case.flow.set(
        {
            "errors": {"tolerance": "all", "dead_letters": "tablestore", "auto_create": True},
            "dead_letters": {"table": table},
        }
    )
    return table


def messages_of(broker: Broker, topic: str) -> list[Message]:
    """Everything in a topic of one partition."""
    client = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader"})
    try:
        end = broker.ends(topic, 1).get(0, 0)
        client.assign([TopicPartition(topic, 0, 0)])
        return read_records(client, end)
    finally:
        client.close()


def own_block(message: Message) -> dict[str, str]:
    """What the flow added to the headers."""
    headers: Any = message.headers() or []
    return {
        name: value.decode()
        for name, value in headers
        if name.startswith("__") and isinstance(value, bytes)
    }


def dead_letters_in_topic(broker: Broker, topic: str) -> list[DeadLetter]:
    """The dead letters of a topic."""
    found = []
    for message in messages_of(broker, topic):
        block = own_block(message)
        place = (
            block["__connect.errors.topic"],
            int(block["__connect.errors.partition"]),
            int(block["__connect.errors.offset"]),
        )
        code = block["__tablestore_sync.code"]
        found.append(DeadLetter(place, code, message.key(), message.value()))
    return found


def whole(columns: dict[str, Any], name: str) -> bytes | None:
    """A value of a dead letter, joined again if it was split over several columns."""
    if name in columns:
        return bytes(columns[name])
    parts = sorted((c for c in columns if c.startswith(f"{name}_")), key=lambda c: int(c[-1]))
    return b"".join(columns[part] for part in parts) if parts else None


def dead_letters_in_table(case: Case, table: str) -> list[DeadLetter]:
    """The dead letters of a table."""
    found = []
    for key, columns in case.store.rows(table).items():
        values = dict(key)
        topic, _, partition = str(values["topic_partition"]).rpartition("_")
        place = (topic, int(partition), int(str(values["offset"])))
        found.append(
            DeadLetter(place, str(columns["code"]), whole(columns, "key"), whole(columns, "value"))
        )
    return found


def rejected(case: Case) -> dict[Place, tuple[bytes | None, bytes | None]]:
    """Key and value of every record that must be a dead letter, by its place."""
    return {
        record.place: (record.key, record.value)
        for record in case.manifest
        if isinstance(record.expected, Rejected)
    }


def assert_all_there(case: Case, dead_letters: list[DeadLetter]) -> None:
    """Each expected dead letter is there, with the record's own bytes, and no other is."""
    assert {one.place: (one.key, one.value) for one in dead_letters} == rejected(case)


def dead_letters_of(case: Case, where: str, place: str) -> list[DeadLetter]:
    """The dead letters of a topic or a table."""
    if where == "kafka":
        return dead_letters_in_topic(case.broker, place)
    return dead_letters_in_table(case, place)


def wait_logged(process: FlowProcess, words: str) -> None:
    """Wait until the log of the process contains `words`."""
    until(lambda: words in process.text(), lambda: f"{words!r} in\n{process.text()}")


def judged_without(case: Case, *tables: str) -> None:
    """Every good record is its row; the dead-letter table is no table of the ledger."""
    for table in tables:
        case.store.client.delete_table(table)
    case.verdict_of_rows(minimum=40)
