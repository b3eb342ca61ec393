"""`run_on_kafka` of connectors/testing/ on the embedded Kafka and a local Tablestore."""

from collections.abc import Iterator
from typing import Any

import pytest

from connectors import StopRun
from connectors.testing import message, produce, read_table, run_on_kafka
from emulator.local_server import Instance, LocalServer
from flows.sync import get_flow
from localkafka import EmbeddedKafka

pytestmark = pytest.mark.flows

CONFIG: dict[str, Any] = {
    "kafka": {"topics": ["orders"]},
    "table": {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "id"}],
        "auto_create": True,
    },
}


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    """An instance for the tests of this module."""
    with LocalServer() as server, server.instance() as found:
        yield found


def test_the_flow_ends_when_all_is_read_and_written(instance: Instance) -> None:
    """By Bytewax's engine, the Kafka source and the sink of a run."""
    with EmbeddedKafka({"orders": 2}) as kafka:
        messages = [message({"id": str(n), "n": n}, partition=n % 2) for n in range(20)]
        sent = produce(kafka.bootstrap, "orders", messages)
        counts = run_on_kafka(
            get_flow,
            CONFIG,
            bootstrap_servers=kafka.bootstrap,
            tablestore=instance,
            records=sent,
        )
    assert (counts["read"], counts["written"], counts["unbalanced"]) == (20, 20, 0)
    rows = read_table(instance, "orders")
    assert sorted(int(str(row["id"])) for row in rows) == [*range(20)]


def test_records_that_stay_away_are_an_error(instance: Instance) -> None:
    """The flow drains when the time is over, and the text says how many were read."""
    with EmbeddedKafka({"orders": 1}) as kafka:
        produce(kafka.bootstrap, "orders", [message({"id": "1", "n": 1})])
        with pytest.raises(AssertionError, match="1 records were read, not 2"):
            run_on_kafka(
                get_flow,
                CONFIG,
                bootstrap_servers=kafka.bootstrap,
                tablestore=instance,
                records=2,
                within=3.0,
            )


def test_a_run_that_stops_says_why(instance: Instance) -> None:
    """A run that stops, for example because its topic does not exist, reports the reason."""
    with EmbeddedKafka({"others": 1}) as kafka, pytest.raises(StopRun, match="no such topic"):
        run_on_kafka(
            get_flow,
            CONFIG,
            bootstrap_servers=kafka.bootstrap,
            tablestore=instance,
            records=1,
        )
