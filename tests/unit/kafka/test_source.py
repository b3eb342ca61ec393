"""The source: the partitions that it lists, and the readers that it builds."""

from pathlib import Path

import pytest

from connectors.errors import StopRun
from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, end, messages, run_with


def test_every_partition_is_listed(brokers: FakeBrokers) -> None:
    """Each partition of each topic once, by name, in a fixed order."""
    brokers.topics = {"b": 1, "a": 3}
    source = brokers.source(run_with(topics=["a", "b"]))
    assert source.list_parts() == ["a:0", "a:1", "a:2", "b:0"]


def test_constructing_a_source_makes_no_client(brokers: FakeBrokers) -> None:
    """Building the graph opens no connection."""
    brokers.source(run_with())
    assert brokers.consumers == []


def test_a_missing_topic_stops(brokers: FakeBrokers) -> None:
    """All that are missing are named, with the brokers and the remedies."""
    with pytest.raises(StopRun) as caught:
        brokers.started(run_with(topics=["orders", "ordres", "clicks"], bootstrap_servers="b:1"))
    for word in ("ordres, clicks", "b:1", "kafka.topics", "Describe"):
        assert word in str(caught.value)


def test_a_pattern_without_a_match_stops(brokers: FakeBrokers) -> None:
    """A topic pattern without a match stops the run with a text that holds the pattern."""
    brokers.topics = {}
    with pytest.raises(StopRun, match="shop") as caught:
        brokers.started(run_with(topics_pattern=r"shop\..*"))
    assert "topics_pattern" in str(caught.value)


def test_removed_partitions_stay_listed(brokers: FakeBrokers, tmp_path: Path) -> None:
    """Bytewax crashes on state of an unlisted partition: a topic that is gone stays listed."""
    brokers.topics = {"orders": 2, "old": 1}
    run = run_with(tmp_path, topics=["orders", "old"])
    source = brokers.started(run)
    for key in ("orders:0", "orders:1", "old:0"):
        Reader(source, brokers, key, None)
    end(run)
    brokers.topics = {"orders": 1}
    run = run_with(tmp_path, topics=["orders", "old"])
    assert brokers.source(run).list_parts() == ["old:0", "orders:0", "orders:1"]
    end(run)
    run = run_with(tmp_path, topics_pattern="nothing matches now")
    brokers.topics = {}
    assert brokers.source(run).list_parts() == ["old:0", "orders:0", "orders:1"]


def test_a_removed_partition_ends_at_once(brokers: FakeBrokers) -> None:
    """It connects to no broker, returns nothing, and keeps its state."""
    reader = Reader(brokers.started(run_with()), brokers, "gone:3", 77)
    assert reader.partition._source is None
    with pytest.raises(StopIteration):
        reader.partition.next_batch()
    assert reader.partition.snapshot() == 77
    reader.partition.close()


def test_a_removed_partition_without_state_keeps_its_start(
    brokers: FakeBrokers, tmp_path: Path
) -> None:
    """Never snapshotted: when its topic shows again, it goes on where its first run began."""
    run = run_with(tmp_path, start="latest")
    brokers.watermarks["orders", 0] = (0, 500)
    assert Reader(brokers.started(run), brokers, "orders:0", None).client.assigned == [
        ("orders", 0, 500)
    ]
    end(run)
    brokers.topics = {"other": 1}
    run = run_with(tmp_path, start="latest")
    reader = Reader(brokers.started(run), brokers, "orders:0", None)
    assert reader.partition.snapshot() == 500


def test_another_cluster_stops(brokers: FakeBrokers, tmp_path: Path) -> None:
    """Offsets of one cluster mean nothing on another: both ids and the folder are named."""
    run = run_with(tmp_path)
    brokers.started(run)
    end(run)
    brokers.cluster = "cluster-2"
    with pytest.raises(StopRun) as caught:
        brokers.started(run_with(tmp_path))
    for word in ("cluster-1", "cluster-2", str(tmp_path), "bootstrap_servers", "-r"):
        assert word in str(caught.value)


def test_a_later_run_goes_on_at_its_state(brokers: FakeBrokers, tmp_path: Path) -> None:
    """Whatever kafka.start says, and also at offset 0."""
    for state in (0, 41):
        reader = Reader(brokers.started(run_with(start="latest")), brokers, "orders:0", state)
        assert reader.client.assigned == [("orders", 0, state)]
        assert reader.partition.snapshot() == state


def test_many_partitions_keep_apart(brokers: FakeBrokers) -> None:
    """They share a client, which ends with the last of them; each has its state and chunks."""
    source = brokers.started(run_with())
    readers = [Reader(source, brokers, f"orders:{number}", 10 * number) for number in (0, 1)]
    client = readers[0].client
    client.polls = [[*messages(0), *messages(10, partition=1)]]
    for number, reader in enumerate(readers):
        ((topic, partition, found, _),) = reader.partition.next_batch()
        assert (topic, partition) == ("orders", number)
        assert [message.offset() for message in found] == [10 * number]
        assert reader.partition.snapshot() == 10 * number + 1
    for closed, reader in enumerate(readers):
        assert reader.client is client
        reader.partition.close()
        reader.partition.close()
        assert client.closed == closed
