"""The fake Kafka in place of the real one."""

import pytest

from tests.unit.kafka.fake_kafka import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Topic orders with two partitions; nothing reaches a network."""
    made = World()
    made.install(monkeypatch)
    return made
