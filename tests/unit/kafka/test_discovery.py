"""The watch: new partitions start the run again, a topic made anew ends it, trouble nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.kafka import discovery as watch
from connectors.kafka.discovery import TopicWatcher
from connectors.kafka.metadata import Found
from connectors.run.context import Run
from connectors.settings.kafka import KafkaSettings
from tests.support.wait import until
from tests.unit.kafka.fake_kafka import World, run_with

Looked = list[int]


@pytest.fixture
def looked(world: World, monkeypatch: pytest.MonkeyPatch) -> Looked:
    """One entry for each look at the topics that is done."""
    done: Looked = []
    look = TopicWatcher._look_for_new

    def counted(self: TopicWatcher) -> None:
        look(self)
        done.append(1)

    monkeypatch.setattr(TopicWatcher, "_look_for_new", counted)
    return done


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run that looks again without a pause; its watch ends with the test."""
    made = run_with(tmp_path, discovery_interval=0.001)
    yield made
    made.drain("the test is over")


def test_nothing_new_changes_nothing(world: World, run: Run, looked: Looked) -> None:
    """The same partitions, look after look."""
    TopicWatcher(run, dict(world.topics))
    until(lambda: len(looked) >= 5, "five looks")
    assert (run.drain_reason, run.failure) == (None, None)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"orders": 3}, "orders has 3 partitions, was 2"),
        ({"orders": 2, "fresh": 1}, "fresh has 1 partitions, was 0"),
    ],
)
def test_new_partitions_drain_for_a_restart(
    world: World, run: Run, now: dict[str, int], words: str
) -> None:
    """Bytewax lists partitions at the start only; the reason says which came."""
    seen = dict(world.topics)
    world.topics = now
    TopicWatcher(run, seen)
    until(lambda: run.drain_reason, "the drain")
    assert words in (run.drain_reason or "")
    assert run.restart
    assert run.failure is None


def test_a_topic_that_goes_and_comes_again_is_new(world: World, run: Run, looked: Looked) -> None:
    """While it is away nothing happens; when it is back the run starts again to read it."""
    seen = dict(world.topics)
    world.topics = {}
    TopicWatcher(run, seen)
    until(lambda: len(looked) >= 3, "looks without it")
    assert run.drain_reason is None
    world.topics = {"orders": 2}
    until(lambda: run.drain_reason, "the drain")
    assert "orders has 2 partitions, was 0" in str(run.drain_reason)


def test_brokers_that_do_not_answer_end_nothing(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and the next look counts."""
    answers: list[StopRun] = [StopRun("no metadata")] * 3

    def found(_: KafkaSettings) -> Found:
        if answers:
            raise answers.pop()
        return Found("cluster-1", {"orders": 9})

    monkeypatch.setattr(watch, "list_partitions", found)
    TopicWatcher(run, {"orders": 2})
    until(lambda: run.drain_reason, "the drain")
    assert "no metadata" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("a mistake")])
def test_no_mistake_ends_the_watch_in_silence(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever a look raises, the watch goes on or the run fails; it is never just gone."""
    answers = [error]

    def found(_: KafkaSettings) -> Found:
        if answers:
            raise answers.pop()
        return Found("cluster-1", {"orders": 9})

    monkeypatch.setattr(watch, "list_partitions", found)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    TopicWatcher(run, {"orders": 2})
    until(lambda: run.drain_reason or run.failure, "a consequence", within=3)


def test_a_topic_made_anew_fails_the_run(world: World, run: Run) -> None:
    """Its stored offsets are those of the old one: choices and topic are told."""
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-0")
    TopicWatcher(run, dict(world.topics))
    until(lambda: run.failure, "the failure")
    for word in ("orders", "made again", '"earliest"', '"latest"', "kafka.lost_offset"):
        assert word in str(run.failure)


def test_the_first_look_at_a_topic_notes_its_id(world: World, run: Run, looked: Looked) -> None:
    """Then the same id is no news."""
    TopicWatcher(run, dict(world.topics))
    until(lambda: len(looked) >= 2, "looks")
    assert run.recovery is not None
    assert run.recovery.topic_id("orders", "other") == "id-1"
    assert run.failure is None


def test_brokers_that_tell_no_ids(world: World, run: Run, looked: Looked) -> None:
    """Old brokers have none: nothing is noted, nothing fails, new partitions still count."""
    world.ids = {}
    TopicWatcher(run, dict(world.topics))
    until(lambda: len(looked) >= 2, "looks")
    assert run.recovery is not None
    assert run.recovery.topic_id("orders", "first") == "first"
    assert run.failure is None


def test_ids_are_asked_for_again(world: World, run: Run, looked: Looked) -> None:
    """A look without an answer does not end the watch over topics made anew."""
    assert run.recovery is not None
    run.recovery.topic_id("orders", "id-0")
    world.ids = {}
    TopicWatcher(run, dict(world.topics))
    until(lambda: len(looked) >= 2, "looks")
    assert run.failure is None
    world.ids = {"orders": "id-1"}
    until(lambda: run.failure, "the failure")


def test_a_drain_ends_the_watch(world: World, run: Run, looked: Looked) -> None:
    """A run that ends is not looked after any more."""
    run.drain("SIGTERM")
    TopicWatcher(run, {})
    assert run.drain_reason == "SIGTERM"
    assert not run.restart
