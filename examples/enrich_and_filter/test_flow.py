"""The two steps, the page in memory, and the page on a local Kafka and Tablestore."""

from pathlib import Path

from connectors import testing
from connectors.testing import message, record
from emulator.testing import Instance
from examples.enrich_and_filter.flow import add_region, get_flow, is_real
from localkafka import EmbeddedKafka

CONFIG = Path(__file__).with_name("config.toml")
MESSAGES = [
    message({"order_id": "1", "city": "Hangzhou", "status": "paid"}),
    message({"order_id": "2", "city": "Lhasa", "status": "paid"}),
    message({"order_id": "3", "city": "Beijing", "status": "test"}),
    message({"order_id": "4", "status": "paid"}),
]


def test_the_functions() -> None:
    """Each takes one record."""
    assert not is_real(record({"status": "test"}))
    assert add_region(record({"city": "Shenzhen"}, topic="t")).value == {
        "city": "Shenzhen",
        "region": "south",
        "topic": "t",
    }


def test_the_page() -> None:
    """Test orders are left out, and an order without a city is rejected alone."""
    result = testing.run_flow(get_flow, MESSAGES, CONFIG)
    assert [(row.key["order_id"], row.columns["region"]) for row in result.rows] == [
        ("1", "east"),
        ("2", "other"),
    ]
    assert result.counts["filtered"] == 1
    assert [(one.offset, one.code) for one in result.rejected] == [(3, "step_failed")]


def test_on_a_local_kafka_and_tablestore(
    local_kafka: EmbeddedKafka, tablestore_instance: Instance
) -> None:
    """The same records from a topic, into the tables."""
    local_kafka.create_topic("orders", 2)
    sent = testing.produce(local_kafka.bootstrap, "orders", MESSAGES)
    counts = testing.run_on_kafka(
        get_flow,
        CONFIG,
        bootstrap_servers=local_kafka.bootstrap,
        tablestore=tablestore_instance,
        records=sent,
    )
    assert (counts["written"], counts["filtered"], counts["rejected"]) == (2, 1, 1)
    rows = testing.read_table(tablestore_instance, "orders")
    assert [row["region"] for row in rows] == ["east", "other"]
    assert len(testing.read_table(tablestore_instance, "dead_letters")) == 1
