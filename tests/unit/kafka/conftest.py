"""The fake brokers."""

import pytest

from tests.unit.kafka.fake_kafka import FakeBrokers


@pytest.fixture
def brokers() -> FakeBrokers:
    """Topic orders with two partitions; nothing reaches a network."""
    return FakeBrokers()
