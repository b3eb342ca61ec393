"""Pytest fixtures for tests of flows, to be imported in a `conftest.py`.

- `clock`: a `Clock` that a test moves.
- `local_kafka`: an embedded Kafka of its own for a test, without topics.
- `tablestore_instance`: an empty instance of a local Tablestore; emulator/testing.py has more.
- `schema_registry`: an empty Schema Registry.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.testing.clock import Clock
from connectors.testing.registry import SchemaRegistry
from emulator.testing import tablestore_instance, tablestore_options, tablestore_server
from localkafka import EmbeddedKafka

__all__ = [
    "clock",
    "local_kafka",
    "schema_registry",
    "tablestore_instance",
    "tablestore_options",
    "tablestore_server",
]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is moved."""
    return Clock()


@pytest.fixture
def local_kafka() -> Iterator[EmbeddedKafka]:
    """An embedded Kafka; `local_kafka.create_topic(name, partitions)` makes topics."""
    with EmbeddedKafka() as kafka:
        yield kafka


@pytest.fixture
def schema_registry() -> Iterator[SchemaRegistry]:
    """A Schema Registry on 127.0.0.1; `schema_registry.register(schema)` returns an id."""
    with SchemaRegistry() as registry:
        yield registry
