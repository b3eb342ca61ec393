"""Lanes, and the brokers and the local Tablestore that tests ask for by name."""

from collections.abc import Iterator

import pytest

from localkafka import ApacheKafka, EmbeddedKafka, KafkaUnavailableError, available
from tests.support.brokers import Broker
from tests.support.lanes import (
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_sessionfinish,
    pytest_terminal_summary,
    skip_lane,
)
from tests.support.store import LocalTablestore, TablestoreProcess

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
]


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[Broker]:
    """The embedded Kafka, one for the whole run; tests make topics of their own."""
    with EmbeddedKafka() as kafka:
        yield Broker("embedded", embedded=kafka)


@pytest.fixture(scope="session")
def apache_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """The real broker, one for the whole run; its lane is skipped where it cannot start."""
    reason = available()
    if reason is not None:
        skip_lane(request.config, "kafka", reason)
    kafka = ApacheKafka(oauth=True)
    try:
        kafka.start()
    except KafkaUnavailableError as error:
        skip_lane(request.config, "kafka", str(error))
    yield Broker("apache", apache=kafka)
    kafka.close()


@pytest.fixture(
    params=[
        pytest.param("embedded", marks=pytest.mark.flows),
        pytest.param("apache", marks=pytest.mark.kafka),
    ]
)
def kafka(request: pytest.FixtureRequest) -> Broker:
    """Each test that asks for this runs on both Kafkas, so that the fake cannot lie."""
    broker: Broker = request.getfixturevalue(f"{request.param}_broker")
    return broker


@pytest.fixture(scope="module")
def tablestore_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TablestoreProcess]:
    """A local Tablestore for the tests of a module, as strict as the service's pages say."""
    folder = tmp_path_factory.mktemp("tablestore")
    with TablestoreProcess(folder, "--duplicates", "strict") as process:
        yield process


@pytest.fixture
def tablestore(tablestore_process: TablestoreProcess) -> Iterator[LocalTablestore]:
    """An empty instance of the local Tablestore, without faults."""
    if not tablestore_process.alive:
        tablestore_process.restart()
    yield tablestore_process.fresh()
    tablestore_process.set_faults([])
