"""The reader of a partition: its chunks and state, what it commits, and how it ends."""

from datetime import datetime, timezone

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.errors import StopRun
from connectors.run.committable_offset import CommittableOffset
from tests.unit.fake_clock import FakeClock
from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, failing, messages, run_with


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
    """An error that an operator must correct ends the run with the broker's text and the remedy."""
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


def test_its_meter_has_what_is_read_and_what_is_durable(brokers: FakeBrokers) -> None:
    """An offset counts as durable when Bytewax asks again after its snapshot, and not before."""
    run = run_with()
    reader = Reader(brokers.started(run), brokers, "orders:0", 5)
    (meter,) = run.meters.partitions
    reader.client.polls = [messages(5, 6, 7), messages(8)]
    reader.partition.next_batch()
    assert (meter.position, meter.durable, run.meters.snapshots) == (8, 5, 0)
    reader.partition.snapshot()
    assert meter.durable == 5
    reader.partition.next_batch()
    assert (meter.position, meter.durable, run.meters.snapshots) == (9, 8, 1)
    meter.set_end(9, 0.0)
    assert meter.lag_seconds(0.0, 1e12) is not None, "the record at 8 is known"


def test_a_partition_that_is_gone_is_not_shown(brokers: FakeBrokers) -> None:
    """Nothing is read of it, so it lags behind nothing."""
    run = run_with()
    Reader(brokers.started(run), brokers, "gone:0", 5)
    assert run.meters.partitions == []


def test_a_pause_reads_nothing_and_keeps_the_snapshots(brokers: FakeBrokers) -> None:
    """What is durable by then is known, and read on is where it was paused."""
    run = run_with()
    reader = Reader(brokers.started(run), brokers, "orders:0", 0)
    reader.client.polls = [messages(0, 1), messages(2)]
    assert len(reader.partition.next_batch()[0].messages) == 2
    run.paused = True
    assert reader.partition.next_batch() == []
    assert reader.partition.snapshot() == 2
    assert run.meters.partitions[0].durable == 0
    assert reader.partition.next_batch() == []
    position = run.meters.partitions[0].as_json()
    assert (position["next"], position["durable"], position["end"]) == (2, 2, 1000)
    assert run.meters.snapshots == 1
    assert reader.partition.next_awake() is not None
    run.paused = False
    assert reader.partition.next_batch()[0].messages[0].offset() == 2
