"""First and last offsets of partitions, and those of a time."""

from connectors.kafka.bounds import Bounds, bounds_of
from tests.unit.kafka.fake_kafka import FakeBrokers, run_with


def test_bounds_of_those_that_exist(brokers: FakeBrokers) -> None:
    """In one request for all; a time after the last record means the end."""
    brokers.topics = {"orders": 2}
    brokers.watermarks = {("orders", 0): (3, 9)}
    settings = run_with().settings.kafka
    found = bounds_of(settings, ["orders:0", "orders:7", "gone:0"], None, brokers.clients)
    assert found == {"orders:0": Bounds(3, 9, 9)}
    brokers.offset_for_time = 5
    found = bounds_of(settings, ["orders:0"], 1_000_000, brokers.clients)
    assert found == {"orders:0": Bounds(3, 9, 5)}
    brokers.offset_for_time = -1
    found = bounds_of(settings, ["orders:0"], 1_000_000, brokers.clients)
    assert found == {"orders:0": Bounds(3, 9, 9)}
    assert bounds_of(settings, ["gone:0"], None, brokers.clients) == {}
