"""The watch over topics: new partitions restart the run, a recreated topic ends it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from connectors.kafka.discovery import TopicWatcher
from connectors.run.context import Run
from tests.support.wait import until
from tests.unit.kafka.fake_kafka import FakeBrokers, run_with


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that looks again without a pause; its watch ends with the test."""
    made = run_with(tmp_path, topics_pattern=".*", discovery_interval=0.001)
    yield made
    made.drain("the test is over")


def watch(run: Run, brokers: FakeBrokers, seen: dict[str, int] | None = None) -> None:
    """Watch the topics; unless given, those that exist now were seen at the start."""
    TopicWatcher(run, dict(brokers.topics) if seen is None else seen, brokers.clients)


def looks(brokers: FakeBrokers, number: int) -> None:
    """Wait until so many more looks at the topics are done."""
    # One more than counted, since a look is counted when it begins.
    target = brokers.looks + number + 1
    until(lambda: brokers.looks >= target, f"{number} looks")


def test_nothing_new_changes_nothing(brokers: FakeBrokers, run: Run) -> None:
    """The same partitions, look after look."""
    watch(run, brokers)
    looks(brokers, 5)
    assert (run.drain_reason, run.failure) == (None, None)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"orders": 3}, "orders has 3 partitions, was 2"),
        ({"orders": 2, "fresh": 1}, "fresh has 1 partitions, was 0"),
    ],
)
def test_new_partitions_drain_for_a_restart(
    brokers: FakeBrokers, run: Run, now: dict[str, int], words: str
) -> None:
    """Bytewax lists partitions at the start only; the reason names the new ones."""
    seen = dict(brokers.topics)
    brokers.topics = now
    watch(run, brokers, seen)
    until(lambda: run.drain_reason, "the drain")
    assert words in (run.drain_reason or "")
    assert run.restart
    assert run.failure is None


def test_a_topic_that_goes_and_comes_again_is_new(brokers: FakeBrokers, run: Run) -> None:
    """While it is away nothing happens; when it is back the run starts again to read it."""
    seen = dict(brokers.topics)
    brokers.topics = {}
    watch(run, brokers, seen)
    looks(brokers, 3)
    assert run.drain_reason is None
    brokers.topics = {"orders": 2}
    until(lambda: run.drain_reason, "the drain")
    assert "orders has 2 partitions, was 0" in str(run.drain_reason)


def test_brokers_that_do_not_answer_end_nothing(
    brokers: FakeBrokers, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next look counts."""
    error = KafkaException(KafkaError(KafkaError._TRANSPORT, "brokers are away"))
    brokers.metadata_errors = [error] * 3
    brokers.topics = {"orders": 9}
    watch(run, brokers, {"orders": 2})
    until(lambda: run.drain_reason, "the drain")
    assert "no metadata" in caplog.text
    assert "brokers are away" in caplog.text


def test_an_unexpected_error_does_not_end_the_watch(
    brokers: FakeBrokers, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a look raises is logged, and the next look counts."""
    brokers.metadata_errors = [RuntimeError("a bug")]
    brokers.topics = {"orders": 9}
    watch(run, brokers, {"orders": 2})
    until(lambda: run.drain_reason, "the drain", within=3)
    assert "a bug" in caplog.text


def test_a_recreated_topic_fails_the_run(brokers: FakeBrokers, run: Run) -> None:
    """Its stored offsets are those of the old one: topic and choices are in the text."""
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-0")
    watch(run, brokers)
    until(lambda: run.failure, "the failure")
    for word in ("orders", "created again", '"earliest"', '"latest"', "kafka.lost_offset"):
        assert word in str(run.failure)


def test_the_first_look_at_a_topic_notes_its_id(brokers: FakeBrokers, run: Run) -> None:
    """Then the same id is no news."""
    watch(run, brokers)
    looks(brokers, 2)
    assert run.recovery is not None
    assert run.recovery.topic_id("orders", "other") == "id-1"
    assert run.failure is None


def test_brokers_without_topic_ids(brokers: FakeBrokers, run: Run) -> None:
    """Old brokers have none: nothing is noted, nothing fails, new partitions still count."""
    brokers.ids = {}
    watch(run, brokers)
    looks(brokers, 2)
    assert run.recovery is not None
    assert run.recovery.topic_id("orders", "first") == "first"
    assert run.failure is None


def test_ids_are_asked_for_again(brokers: FakeBrokers, run: Run) -> None:
    """A look without an answer does not end the watch over recreated topics."""
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-0")
    brokers.ids = {}
    watch(run, brokers)
    looks(brokers, 2)
    assert run.failure is None
    brokers.ids = {"orders": "id-1"}
    until(lambda: run.failure, "the failure")


def test_a_drain_ends_the_watch(brokers: FakeBrokers, run: Run) -> None:
    """Topics of a run that ends are not watched."""
    run.drain("SIGTERM")
    watch(run, brokers, {})
    assert run.drain_reason == "SIGTERM"
    assert not run.restart
