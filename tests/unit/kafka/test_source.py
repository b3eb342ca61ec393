"""The source: what it reads, where it starts, what it commits, and how it ends."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import StopRun
from connectors.run.committable_offset import CommittableOffset
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import (
    FakeBrokers,
    Reader,
    end,
    failing,
    messages,
    run_with,
)


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
    """The text has the pattern."""
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
    """It connects to nobody, gives nothing, and keeps its state as it was."""
    reader = Reader(brokers.started(run_with()), brokers, "gone:3", 77)
    assert reader.clients == []
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


@pytest.mark.parametrize(
    ("start", "offset"),
    [("earliest", 20), ("latest", 900), ("1970-01-01T00:00:00.345Z", 345)],
)
def test_a_first_run_starts_at_kafka_start(brokers: FakeBrokers, start: str, offset: int) -> None:
    """kafka.start resolves to the watermarks, or to the offset of a time."""
    brokers.watermarks["orders", 1] = (20, 900)
    reader = Reader(brokers.started(run_with(start=start)), brokers, "orders:1", None)
    assert reader.client.assigned == [("orders", 1, offset)]
    assert reader.partition.snapshot() == offset


def test_a_time_after_the_last_record_is_the_end(brokers: FakeBrokers) -> None:
    """No record is that young yet, so the run begins with the next one."""
    brokers.offset_for_time = -1
    reader = Reader(
        brokers.started(run_with(start="2100-01-01T00:00:00Z")), brokers, "orders:0", None
    )
    assert reader.client.assigned == [("orders", 0, 1000)]


def test_a_later_run_goes_on_at_its_state(brokers: FakeBrokers, tmp_path: Path) -> None:
    """Whatever kafka.start says, and also at offset 0."""
    for state in (0, 41):
        reader = Reader(brokers.started(run_with(start="latest")), brokers, "orders:0", state)
        assert reader.client.assigned == [("orders", 0, state)]
        assert reader.partition.snapshot() == state


def test_a_run_that_died_before_its_first_snapshot_starts_there_again(
    brokers: FakeBrokers, tmp_path: Path
) -> None:
    """`latest` is resolved once: records that arrive in between are not skipped."""
    brokers.watermarks["orders", 0] = (0, 500)
    run = run_with(tmp_path, start="latest")
    assert Reader(brokers.started(run), brokers, "orders:0", None).client.assigned == [
        ("orders", 0, 500)
    ]
    end(run)
    brokers.watermarks["orders", 0] = (0, 800)
    run = run_with(tmp_path, start="latest")
    assert Reader(brokers.started(run), brokers, "orders:0", None).client.assigned == [
        ("orders", 0, 500)
    ]


def test_a_partition_that_came_later_is_read_from_its_beginning(
    brokers: FakeBrokers, tmp_path: Path
) -> None:
    """New partitions hold only new records, so `latest` would skip some of them."""
    run = run_with(tmp_path, start="latest")
    brokers.started(run)
    end(run)
    brokers.topics = {"orders": 3}
    brokers.watermarks["orders", 2] = (4, 60)
    source = brokers.started(run_with(tmp_path, start="latest"))
    assert Reader(source, brokers, "orders:2", None).client.assigned == [("orders", 2, 4)]
    assert Reader(source, brokers, "orders:1", None).client.assigned == [("orders", 1, 1000)]


@pytest.mark.parametrize(
    "trouble", [KafkaException(KafkaError(KafkaError._TRANSPORT)), TypeError("no answer")]
)
def test_no_watermarks_stops(brokers: FakeBrokers, trouble: Exception) -> None:
    """Without an answer about the start nothing is guessed."""
    brokers.watermark_error = trouble
    with pytest.raises(StopRun, match=r"topic orders partition 0.*10 s"):
        Reader(brokers.started(run_with()), brokers, "orders:0", None)
    brokers.watermark_error = None
    brokers.watermarks["orders", 0] = None
    with pytest.raises(StopRun, match="topic orders partition 0"):
        Reader(brokers.started(run_with()), brokers, "orders:0", None)


def test_an_error_about_a_time_stops(brokers: FakeBrokers) -> None:
    """The broker's error for this partition is in the text, with kafka.start."""
    brokers.offset_for_time = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(StopRun, match=r"kafka\.start 2026"):
        Reader(brokers.started(run_with(start="2026-01-01T00:00:00Z")), brokers, "orders:0", None)


def test_chunks(brokers: FakeBrokers) -> None:
    """One poll is one chunk, in order; the state is the next offset; reads are counted."""
    run = run_with(chunk_messages=123)
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    reader.client.polls = [messages(5, 6, 7), messages(9)]
    ((topic, partition, found, once),) = reader.partition.next_batch()
    assert once
    assert (topic, partition, [message.offset() for message in found]) == ("orders", 0, [5, 6, 7])
    assert reader.partition.next_awake() is None, "there may be more"
    assert reader.partition.snapshot() == 8
    reader.partition.next_batch()
    assert reader.partition.snapshot() == 10, "offsets may have gaps"
    assert run.counts.snapshot()["read"] == 4
    assert set(reader.client.limits) == {123}


def test_an_idle_partition_rests_a_moment(brokers: FakeBrokers) -> None:
    """Nothing there: no chunk, and a time to look again that is soon, not at once."""
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 5)
    before = datetime.now(timezone.utc)
    assert reader.partition.next_batch() == []
    awake = reader.partition.next_awake()
    assert awake is not None
    assert 0 < (awake - before).total_seconds() < 5
    assert reader.partition.snapshot() == 5


def test_the_end_of_a_partition_is_no_record(brokers: FakeBrokers) -> None:
    """Behind transaction markers the state moves on, though there was nothing to read."""
    run = run_with()
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    reader.client.polls = [[*messages(5), *failing(KafkaError._PARTITION_EOF, offset=9)]]
    ((_, _, found, _),) = reader.partition.next_batch()
    assert [message.offset() for message in found] == [5]
    assert reader.partition.snapshot() == 9
    reader.client.polls = [failing(KafkaError._PARTITION_EOF, offset=9)]
    assert reader.partition.next_batch() == []
    assert reader.partition.snapshot() == 9
    assert run.counts.snapshot()["read"] == 1


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "grant Read"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "grant Read on the group"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, "SASL"),
        (KafkaError._AUTHENTICATION, "security"),
    ],
)
def test_an_error_that_needs_somebody_stops(brokers: FakeBrokers, code: int, remedy: str) -> None:
    """What only somebody else can correct ends the run with the broker's words and the remedy."""
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 5)
    reader.client.polls = [[*messages(5), *failing(code, "no entry")]]
    with pytest.raises(StopRun) as caught:
        reader.partition.next_batch()
    for word in ("topic orders partition 0", "no entry", "remedy: ", remedy):
        assert word in str(caught.value)
    assert reader.partition.snapshot() == 5, "nothing was given out"


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TRANSPORT,
        KafkaError.LEADER_NOT_AVAILABLE,
    ],
)
def test_other_errors_are_logged_and_waited_out(
    brokers: FakeBrokers, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The good messages beside them are given out; only these move the state."""
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 5)
    reader.client.polls = [
        [*messages(5), *failing(code, "a while"), *messages(6)],
        failing(code, "a while"),
    ]
    ((_, _, found, _),) = reader.partition.next_batch()
    assert [message.offset() for message in found] == [5, 6]
    assert reader.partition.next_batch() == []
    assert reader.partition.snapshot() == 7
    assert "topic orders partition 0" in caplog.text
    assert "a while" in caplog.text


def test_a_drain_ends_the_input(brokers: FakeBrokers) -> None:
    """After the order to drain nothing more is read, also of a partition with messages."""
    run = run_with()
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    reader.client.polls = [messages(5)]
    run.drain("SIGTERM")
    with pytest.raises(StopIteration):
        reader.partition.next_batch()
    assert reader.client.limits == []
    assert reader.partition.snapshot() == 5
    reader.partition.close()
    assert reader.client.closed == 1


def test_a_failed_run_raises(brokers: FakeBrokers) -> None:
    """A failure elsewhere comes out here too; it wins over a drain and over the end of input."""
    run = run_with()
    source = brokers.started(run)
    live, gone = Reader(source, brokers, "orders:0", 5), Reader(source, brokers, "gone:0", 5)
    run.drain("SIGTERM")
    run.fail(StopRun("elsewhere"))
    for reader in (live, gone):
        with pytest.raises(StopRun, match="elsewhere"):
            reader.partition.next_batch()


def test_offsets_are_committed_only_once_they_are_durable(brokers: FakeBrokers) -> None:
    """The group never gets an offset before rows of it have left batcher and sink."""
    clock = FakeClock()
    reader = Reader(brokers.started(run_with(clock=clock)), brokers, "orders:0", 5)
    partition, client = reader.partition, reader.client
    client.polls = [messages(5, 6), messages(7)]
    partition.next_batch()
    assert partition.snapshot() == 7
    partition.next_batch()
    assert client.committed == [], "its rows may still wait"
    for _ in range(6):
        clock.now += 0.7
        partition.snapshot()
        partition.next_batch()
    assert client.committed == [("orders", 0, 7), ("orders", 0, 8)]
    assert brokers.commits == [True, True], "nobody waits for it"


def test_a_resumed_offset_is_committed_though_nothing_new_comes(brokers: FakeBrokers) -> None:
    """The run before may have been killed before the commit; a first start is not committed."""
    clock = FakeClock()
    committed = []
    for state in (5, None):
        run = run_with(clock=clock)
        reader = Reader(brokers.started(run), brokers, "orders:0", state)
        for _ in range(6):
            reader.partition.snapshot()
            reader.partition.next_batch()
            clock.now += 0.7
        committed.append(reader.client.committed)
    assert committed == [[("orders", 0, 5)], []]


def test_a_failed_commit_is_only_logged(
    brokers: FakeBrokers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The group only mirrors the offsets of the recovery folder."""
    monkeypatch.setattr(CommittableOffset, "due", lambda self: 7)
    reader = Reader(brokers.started(run_with()), brokers, "orders:0", 5)
    reader.client.commit_error = KafkaException(KafkaError(KafkaError._TRANSPORT, "away"))
    reader.client.polls = [messages(5)]
    assert len(reader.partition.next_batch()) == 1
    assert "away" in caplog.text


def test_after_a_clean_end_the_last_offsets_are_committed(brokers: FakeBrokers) -> None:
    """Everything is written by then: each partition's last snapshot, waited for, and closed."""
    run = run_with()
    source = brokers.started(run)
    for number in (0, 1):
        reader = Reader(source, brokers, f"orders:{number}", 5)
        reader.client.polls = [messages(5, partition=number)]
        reader.partition.next_batch()
        reader.partition.snapshot()
    before = len(brokers.consumers)
    run.finish()
    (client,) = brokers.consumers[before:]
    assert client.committed == [("orders", 0, 6), ("orders", 1, 6)]
    assert (brokers.commits, client.closed) == ([False], 1)


def test_a_run_that_read_nothing_commits_nothing(brokers: FakeBrokers) -> None:
    """It does not even connect."""
    run = run_with()
    brokers.started(run)
    before = len(brokers.consumers)
    run.finish()
    assert len(brokers.consumers) == before


def test_the_prefetch_is_shared_by_all_partitions(brokers: FakeBrokers) -> None:
    """Each partition has a client of its own; together they keep to kafka.prefetch_mib."""
    brokers.topics = {"orders": 16}
    source = brokers.started(run_with(prefetch_mib=32))
    kilobytes = [
        Reader(source, brokers, f"orders:{number}", 0).client.properties[
            "queued.max.messages.kbytes"
        ]
        for number in range(16)
    ]
    assert kilobytes == [2048] * 16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queued.max.messages.kbytes", 100),
        ("queued.min.messages", 7),
        ("fetch.queue.backoff.ms", 500),
        ("fetch.message.max.bytes", 4000),
        ("max.partition.fetch.bytes", 4000),
        ("fetch.max.bytes", 5_000_000),
        ("client.id", "mine"),
    ],
)
def test_properties_of_the_user_hold(brokers: FakeBrokers, name: str, value: int | str) -> None:
    """`Any librdkafka property` may be set, so none is overridden without a word."""
    reader = Reader(brokers.started(run_with(properties={name: value})), brokers, "orders:0", 0)
    assert reader.client.properties[name] == value
    if name == "max.partition.fetch.bytes":
        assert "fetch.message.max.bytes" not in reader.client.properties, "the same by another name"


def test_many_partitions_keep_apart(brokers: FakeBrokers) -> None:
    """Each has its own client, state and chunk."""
    source = brokers.started(run_with())
    readers = [Reader(source, brokers, f"orders:{number}", 10 * number) for number in (0, 1)]
    for number, reader in enumerate(readers):
        reader.client.polls = [messages(10 * number, partition=number)]
    for number, reader in enumerate(readers):
        ((topic, partition, *_),) = reader.partition.next_batch()
        assert (topic, partition) == ("orders", number)
        assert reader.partition.snapshot() == 10 * number + 1
        reader.partition.close()
        assert reader.client.closed == 1
