"""The ends of partitions, asked for while somebody looks; brokers that are away are waited for."""

from confluent_kafka import KafkaError, KafkaException

from connectors.kafka.ends_watcher import EndsWatcher
from tests.support.wait import until
from tests.unit.kafka.fake_kafka import FakeBrokers, run_with


def test_the_ends_are_those_of_the_brokers(brokers: FakeBrokers) -> None:
    """Asked for again and again, of all partitions together."""
    run = run_with()
    partitions = [run.meters.partition("orders", number, 5, True) for number in range(2)]
    brokers.watermarks = {("orders", 0): (0, 7), ("orders", 1): (0, 5)}
    EndsWatcher(run, brokers.clients, interval=0.01)
    until(lambda: [one.end for one in partitions] == [7, 5], "the ends")
    assert [one.lag_records for one in partitions] == [2, 0]
    brokers.watermarks["orders", 1] = (0, 9)
    until(lambda: partitions[1].lag_records == 4, "the new end")
    assert {*brokers.lookups} == {2}
    run.drain("SIGTERM")
    (client,) = brokers.consumers
    until(lambda: client.closed == 1, "the end of the watcher")


def test_brokers_that_are_away_are_waited_for(brokers: FakeBrokers) -> None:
    """The run says so until they answer again."""
    run = run_with()
    run.meters.partition("orders", 0, 5, True)
    brokers.watermark_error = KafkaException(KafkaError(KafkaError._TRANSPORT))
    EndsWatcher(run, brokers.clients, interval=0.01)
    (wait,) = until(run.waits.current, "a wait")
    assert (wait.service, wait.waiting) == ("kafka", 1)
    assert "kafka.bootstrap_servers" in wait.reason
    brokers.watermark_error = None
    until(lambda: not run.waits.current(), "its end")
    run.drain("SIGTERM")


def test_only_a_run_that_is_observed_asks(brokers: FakeBrokers) -> None:
    """Nobody pays for what nobody looks at."""
    run = run_with()
    source = brokers.started(run)
    assert not brokers.lookups
    clients = len(brokers.consumers)
    run.meters.observed = True
    run.meters.partition("orders", 0, 5, True)
    source._watch = lambda *_: None
    source.list_parts()
    until(lambda: brokers.lookups, "a question")
    run.drain("SIGTERM")
    until(lambda: brokers.consumers[-1].closed, "the end of the watcher")
    assert len(brokers.consumers) > clients
