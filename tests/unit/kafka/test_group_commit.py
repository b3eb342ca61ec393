"""The commit of the last offsets after a clean end."""

from tests.unit.kafka.fake_kafka import FakeBrokers, Reader, messages, run_with


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
    """A run that read nothing commits nothing and does not connect for it."""
    run = run_with()
    brokers.started(run)
    before = len(brokers.consumers)
    run.finish()
    assert len(brokers.consumers) == before
