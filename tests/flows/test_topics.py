"""Topics and partitions that come and go, while a flow runs and between its runs."""

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.partitions import unledgered
from tests.support.producers import LedgerProducer, send_order


@pytest.mark.P1
@pytest.mark.fault("source", "more partitions")
def test_new_partitions_are_found(apache_case: Case) -> None:
    """Partitions added while it runs are read from their first record, without a manual restart."""
    case = apache_case
    assert case.broker.apache is not None
    case.store.create_table(case.topic)
    case.flow.set({"kafka": {"discovery_interval": 0.5}})
    process = case.flow.start()
    case.orders(100)
    case.wait_written(100, process)
    case.broker.apache.create_partitions(case.topic, PARTITIONS + 3)
    # A new producer: the old one would learn of the partitions minutes later.
    producer = LedgerProducer(case.broker.bootstrap, case.manifest)
    for number in range(70):
        send_order(producer, case.topic, number, number % (PARTITIONS + 3))
    producer.flush()
    case.wait_written(170, process)
    process.drain()
    assert case.verdict(minimum=170).duplicates == 0


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_new_topics_of_a_pattern_are_found(case: Case, start: str) -> None:
    """A topic that appears and matches is read whole, also under start = latest."""
    case.store.create_table(case.topic)
    case.flow.set(
        {
            "kafka": {
                "topics_pattern": f"{case.topic}.*",
                "discovery_interval": 0.5,
                "start": start,
            },
            "table": {"auto_create": True},
        }
    )
    case.flow.unset("kafka", "topics")
    process = case.flow.start()
    case.wait_started(process)
    case.orders(40)
    case.wait_written(40, process)
    new = f"{case.topic}_new"
    case.broker.create_topic(new, 2)
    for number in range(20):
        send_order(case.producer, new, number, number % 2)
    case.producer.flush()
    case.wait_written(60, process)
    process.drain()
    assert case.verdict(minimum=60).duplicates == 0


def second_topic(case: Case) -> str:
    """Give the flow a second topic with records, and a table for it."""
    name = case.broker.topic("second", 2)
    case.store.create_table(name)
    case.flow.set({"kafka": {"topics": [case.topic, name]}})
    for number in range(20):
        send_order(case.producer, name, number, number % 2)
    case.producer.flush()
    return name


@pytest.mark.parametrize("gone_from", ["settings", "broker", "both"])
def test_a_removed_topic_does_not_break_a_resume(case: Case, gone_from: str) -> None:
    """A topic taken out of the settings, of Kafka, or of both: the rest goes on where it was."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    process.drain()
    if gone_from != "settings":
        case.broker.delete_topic(second)
    if gone_from != "broker":
        case.flow.set({"kafka": {"topics": [case.topic]}})
    case.orders(40, first=40)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()
    assert case.verdict(minimum=100).duplicates == 0


def test_a_topic_removed_while_it_runs(case: Case) -> None:
    """When a topic is deleted during a run, the other topics are read on."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    case.broker.delete_topic(second)
    for count in range(1, 6):
        case.orders(40, first=40 * count)
        case.wait_written(60 + 40 * count, process)
    process.drain()
    assert case.verdict(minimum=200).duplicates == 0


def test_a_topic_that_comes_back_is_read_again(case: Case) -> None:
    """A listed topic put back into the settings goes on where it was, without a repeated row."""
    case.store.create_table(case.topic)
    second = second_topic(case)
    process = case.flow.start()
    case.wait_written(20, process)
    process.drain()
    case.flow.set({"kafka": {"topics": [case.topic]}})
    case.orders(40)
    process = case.flow.start()
    case.wait_written(60, process)
    process.drain()
    for number in range(10):
        send_order(case.producer, second, number, number % 2)
    case.producer.flush()
    case.flow.set({"kafka": {"topics": [case.topic, second]}})
    process = case.flow.start()
    case.wait_written(70, process)
    process.drain()
    assert case.verdict(minimum=70).duplicates == 0


def test_a_topic_that_is_not_there_is_refused(case: Case) -> None:
    """A typing mistake in the topic's name stops the first run, with the name and a remedy."""
    missing = case.broker.fresh_name("nowhere")
    case.flow.set({"kafka": {"topics": [missing]}})
    text = case.flow.start().refused(missing, "remedy")
    assert "Traceback" not in text


@pytest.mark.P5
@pytest.mark.fault("source", "a topic created again")
@pytest.mark.parametrize("records", [5, 60])
def test_a_topic_created_again_is_noticed(case: Case, records: int) -> None:
    """A topic deleted and made again has other records at the old offsets: stop, do not skip.

    Also where the new one has by now more records than the old one had.
    """
    case.store.create_table(case.topic)
    case.orders(100)
    process = case.flow.start()
    case.wait_written(100, process)
    process.drain()
    case.broker.delete_topic(case.topic)
    case.broker.create_topic(case.topic, PARTITIONS)
    for partition in range(PARTITIONS):
        unledgered(case, partition, records)
    case.flow.start().refused(case.topic, "remedy")
