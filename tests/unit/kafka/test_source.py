"""The source: what it reads, where it starts, what it commits, and how it ends."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import StopRun
from connectors.kafka.source import KafkaSource
from connectors.run.committable_offset import CommittableOffset
from tests.unit.kafka.fake_kafka import (
    Reader,
    World,
    end,
    failing,
    messages,
    run_with,
    started,
)


def test_every_partition_is_listed(world: World) -> None:
    """Each partition of each topic once, by name, in a fixed order."""
    world.topics = {"b": 1, "a": 3}
    made = KafkaSource(run_with(topics=["a", "b"]))
    assert made.list_parts() == ["a:0", "a:1", "a:2", "b:0"]


def test_making_a_source_asks_nobody(world: World) -> None:
    """Building the graph opens no connection."""
    KafkaSource(run_with())
    assert world.clients == []


def test_a_missing_topic_stops(world: World) -> None:
    """All that are missing are named, with the brokers and the remedies."""
    with pytest.raises(StopRun) as caught:
        started(run_with(topics=["orders", "ordres", "clicks"], bootstrap_servers="b:1"))
    for word in ("ordres, clicks", "b:1", "kafka.topics", "Describe"):
        assert word in str(caught.value)


def test_a_pattern_without_a_match_stops(world: World) -> None:
    """It is told with the pattern."""
    world.topics = {}
    with pytest.raises(StopRun, match="shop") as caught:
        started(run_with(topics_pattern=r"shop\..*"))
    assert "topics_pattern" in str(caught.value)


def test_removed_partitions_stay_listed(world: World, tmp_path: Path) -> None:
    """Bytewax crashes on state of an unlisted partition: a topic that is gone stays listed."""
    world.topics = {"orders": 2, "old": 1}
    run = run_with(tmp_path, topics=["orders", "old"])
    made = started(run)
    for part in ("orders:0", "orders:1", "old:0"):
        Reader(made, world, part, None)
    end(run)
    world.topics = {"orders": 1}
    run = run_with(tmp_path, topics=["orders", "old"])
    assert KafkaSource(run).list_parts() == ["old:0", "orders:0", "orders:1"]
    end(run)
    run = run_with(tmp_path, topics_pattern="nothing matches now")
    world.topics = {}
    assert KafkaSource(run).list_parts() == ["old:0", "orders:0", "orders:1"]


def test_a_removed_partition_ends_at_once(world: World) -> None:
    """It connects to nobody, gives nothing, and keeps its state as it was."""
    reader = Reader(started(run_with()), world, "gone:3", 77)
    assert reader.clients == []
    with pytest.raises(StopIteration):
        reader.partition.next_batch()
    assert reader.partition.snapshot() == 77
    reader.partition.close()


def test_a_removed_partition_without_state_keeps_its_start(world: World, tmp_path: Path) -> None:
    """Never snapshotted: when its topic shows again, it goes on where its first run began."""
    run = run_with(tmp_path, start="latest")
    world.watermarks["orders", 0] = (0, 500)
    assert Reader(started(run), world, "orders:0", None).client.assigned == [("orders", 0, 500)]
    end(run)
    world.topics = {"other": 1}
    run = run_with(tmp_path, start="latest")
    reader = Reader(started(run), world, "orders:0", None)
    assert reader.partition.snapshot() == 500


def test_another_cluster_is_refused(world: World, tmp_path: Path) -> None:
    """Offsets of one cluster mean nothing on another: both ids and the folder are named."""
    run = run_with(tmp_path)
    started(run)
    end(run)
    world.cluster = "cluster-2"
    with pytest.raises(StopRun) as caught:
        started(run_with(tmp_path))
    for word in ("cluster-1", "cluster-2", str(tmp_path), "bootstrap_servers", "-r"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("start", "offset"),
    [("earliest", 20), ("latest", 900), ("1970-01-01T00:00:00.345Z", 345)],
)
def test_a_first_run_starts_where_it_is_told(world: World, start: str, offset: int) -> None:
    """kafka.start resolves to the watermarks, or to the offset of a time."""
    world.watermarks["orders", 1] = (20, 900)
    reader = Reader(started(run_with(start=start)), world, "orders:1", None)
    assert reader.client.assigned == [("orders", 1, offset)]
    assert reader.partition.snapshot() == offset


def test_a_time_after_the_last_record_is_the_end(world: World) -> None:
    """No record is that young yet, so the run begins with the next one."""
    world.offset_for_time = -1
    reader = Reader(started(run_with(start="2100-01-01T00:00:00Z")), world, "orders:0", None)
    assert reader.client.assigned == [("orders", 0, 1000)]


def test_a_later_run_goes_on_at_its_state(world: World, tmp_path: Path) -> None:
    """Whatever kafka.start says, and also at offset 0."""
    for state in (0, 41):
        reader = Reader(started(run_with(start="latest")), world, "orders:0", state)
        assert reader.client.assigned == [("orders", 0, state)]
        assert reader.partition.snapshot() == state


def test_a_run_that_died_before_its_first_snapshot_starts_there_again(
    world: World, tmp_path: Path
) -> None:
    """`latest` is resolved once: what came in between is not skipped."""
    world.watermarks["orders", 0] = (0, 500)
    run = run_with(tmp_path, start="latest")
    assert Reader(started(run), world, "orders:0", None).client.assigned == [("orders", 0, 500)]
    end(run)
    world.watermarks["orders", 0] = (0, 800)
    run = run_with(tmp_path, start="latest")
    assert Reader(started(run), world, "orders:0", None).client.assigned == [("orders", 0, 500)]


def test_a_partition_that_came_later_is_read_from_its_beginning(
    world: World, tmp_path: Path
) -> None:
    """New partitions hold only new records, so `latest` would skip some of them."""
    run = run_with(tmp_path, start="latest")
    started(run)
    end(run)
    world.topics = {"orders": 3}
    world.watermarks["orders", 2] = (4, 60)
    made = started(run_with(tmp_path, start="latest"))
    assert Reader(made, world, "orders:2", None).client.assigned == [("orders", 2, 4)]
    assert Reader(made, world, "orders:1", None).client.assigned == [("orders", 1, 1000)]


@pytest.mark.parametrize(
    "trouble", [KafkaException(KafkaError(KafkaError._TRANSPORT)), TypeError("no answer")]
)
def test_no_watermarks_stops(world: World, trouble: Exception) -> None:
    """Without an answer about the start nothing is guessed."""
    world.watermark_error = trouble
    with pytest.raises(StopRun, match=r"topic orders partition 0.*10 s"):
        Reader(started(run_with()), world, "orders:0", None)
    world.watermark_error = None
    world.watermarks["orders", 0] = None
    with pytest.raises(StopRun, match="topic orders partition 0"):
        Reader(started(run_with()), world, "orders:0", None)


def test_a_refused_time_stops(world: World) -> None:
    """An error of the broker's for this partition is told with kafka.start."""
    world.offset_for_time = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(StopRun, match=r"kafka\.start 2026"):
        Reader(started(run_with(start="2026-01-01T00:00:00Z")), world, "orders:0", None)


def test_chunks(world: World) -> None:
    """One poll is one chunk, in order; the state is the next offset; reads are counted."""
    run = run_with(chunk_messages=123)
    reader = Reader(started(run), world, "orders:0", 5)
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


def test_an_idle_partition_rests_a_moment(world: World) -> None:
    """Nothing there: no chunk, and a time to look again that is soon, not at once."""
    reader = Reader(started(run_with()), world, "orders:0", 5)
    before = datetime.now(timezone.utc)
    assert reader.partition.next_batch() == []
    awake = reader.partition.next_awake()
    assert awake is not None
    assert 0 < (awake - before).total_seconds() < 5
    assert reader.partition.snapshot() == 5


def test_the_end_of_a_partition_is_no_record(world: World) -> None:
    """Behind transaction markers the state moves on, though there was nothing to read."""
    run = run_with()
    reader = Reader(started(run), world, "orders:0", 5)
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
def test_a_refusal_stops(world: World, code: int, remedy: str) -> None:
    """What only somebody else can mend ends the run with the broker's words and the remedy."""
    reader = Reader(started(run_with()), world, "orders:0", 5)
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
def test_other_trouble_is_told_and_waited_out(
    world: World, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The good messages beside it are given out; the state moves by them alone."""
    reader = Reader(started(run_with()), world, "orders:0", 5)
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


def test_a_drain_ends_the_input(world: World) -> None:
    """After the order to drain nothing more is read, also of a partition with messages."""
    run = run_with()
    reader = Reader(started(run), world, "orders:0", 5)
    reader.client.polls = [messages(5)]
    run.drain("SIGTERM")
    with pytest.raises(StopIteration):
        reader.partition.next_batch()
    assert reader.client.limits == []
    assert reader.partition.snapshot() == 5
    reader.partition.close()
    assert reader.client.closed == 1


def test_a_failed_run_raises(world: World) -> None:
    """A failure elsewhere comes out here too; it wins over a drain and over the end of input."""
    run = run_with()
    made = started(run)
    live, gone = Reader(made, world, "orders:0", 5), Reader(made, world, "gone:0", 5)
    run.drain("SIGTERM")
    run.fail(StopRun("elsewhere"))
    for reader in (live, gone):
        with pytest.raises(StopRun, match="elsewhere"):
            reader.partition.next_batch()


def test_offsets_are_committed_only_once_they_are_durable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group never hears of an offset before rows of it have left window and sink."""
    now = 100.0
    monkeypatch.setattr("connectors.run.committable_offset.time.monotonic", lambda: now)
    reader = Reader(started(run_with()), world, "orders:0", 5)
    partition, client = reader.partition, reader.client
    client.polls = [messages(5, 6), messages(7)]
    partition.next_batch()
    assert partition.snapshot() == 7
    partition.next_batch()
    assert client.committed == [], "its rows may still wait"
    for _ in range(6):
        now += 0.7
        partition.snapshot()
        partition.next_batch()
    assert client.committed == [("orders", 0, 7), ("orders", 0, 8)]
    assert world.commits == [True, True], "nobody waits for it"


def test_a_resumed_offset_is_committed_though_nothing_new_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run before may have been killed before it told the group; a first start is not told."""
    now = 100.0
    monkeypatch.setattr("connectors.run.committable_offset.time.monotonic", lambda: now)
    told = []
    for state in (5, None):
        reader = Reader(started(run_with()), world, "orders:0", state)
        for _ in range(6):
            reader.partition.snapshot()
            reader.partition.next_batch()
            now += 0.7
        told.append(reader.client.committed)
    assert told == [[("orders", 0, 5)], []]


def test_a_refused_commit_is_told_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The group only mirrors: the recovery folder has the truth."""
    monkeypatch.setattr(CommittableOffset, "due", lambda self: 7)
    reader = Reader(started(run_with()), world, "orders:0", 5)
    reader.client.commit_error = KafkaException(KafkaError(KafkaError._TRANSPORT, "away"))
    reader.client.polls = [messages(5)]
    assert len(reader.partition.next_batch()) == 1
    assert "away" in caplog.text


def test_after_a_clean_end_the_last_offsets_are_committed(world: World) -> None:
    """Everything is written by then: each partition's last snapshot, waited for, and closed."""
    run = run_with()
    made = started(run)
    for number in (0, 1):
        reader = Reader(made, world, f"orders:{number}", 5)
        reader.client.polls = [messages(5, partition=number)]
        reader.partition.next_batch()
        reader.partition.snapshot()
    (finish,) = run.at_clean_end
    before = len(world.clients)
    finish()
    (client,) = world.clients[before:]
    assert client.committed == [("orders", 0, 6), ("orders", 1, 6)]
    assert (world.commits, client.closed) == ([False], 1)


def test_a_run_that_read_nothing_commits_nothing(world: World) -> None:
    """It does not even connect."""
    run = run_with()
    started(run)
    (finish,) = run.at_clean_end
    finish()
    assert world.clients == []


def test_the_prefetch_is_shared_by_all_partitions(world: World) -> None:
    """Each partition has a client of its own; together they keep to kafka.prefetch_mib."""
    world.topics = {"orders": 16}
    made = started(run_with(prefetch_mib=32))
    kilobytes = [
        Reader(made, world, f"orders:{number}", 0).client.properties["queued.max.messages.kbytes"]
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
def test_properties_of_the_user_hold(world: World, name: str, value: int | str) -> None:
    """`Any librdkafka property` may be set, so none is overridden without a word."""
    reader = Reader(started(run_with(properties={name: value})), world, "orders:0", 0)
    assert reader.client.properties[name] == value
    if name == "max.partition.fetch.bytes":
        assert "fetch.message.max.bytes" not in reader.client.properties, "the same by another name"


def test_many_partitions_keep_apart(world: World) -> None:
    """Each has its own client, state and chunk."""
    made = started(run_with())
    readers = [Reader(made, world, f"orders:{number}", 10 * number) for number in (0, 1)]
    for number, reader in enumerate(readers):
        reader.client.polls = [messages(10 * number, partition=number)]
    for number, reader in enumerate(readers):
        ((topic, partition, *_),) = reader.partition.next_batch()
        assert (topic, partition) == ("orders", number)
        assert reader.partition.snapshot() == 10 * number + 1
        reader.partition.close()
        assert reader.client.closed == 1
