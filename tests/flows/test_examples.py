"""The example flows do what they say."""

import json

from tests.flows.conftest import Case
from tests.support.ledger import Columns, Filtered
from tests.support.producers import kafka_row


def test_enrich_and_filter(embedded_case: Case) -> None:
    """A step of one line each: test orders are left out, the others get region and topic."""
    case = embedded_case
    case.store.create_table(case.topic)
    orders = [
        ("Hangzhou", "paid", "east"),
        ("Beijing", "paid", "north"),
        ("Lhasa", "shipped", "other"),
    ]
    for number in range(400):
        city, status, region = orders[number % 3]
        value: Columns = {
            "city": city,
            "status": "test" if number % 4 == 0 else status,
            "number": number,
        }
        row = kafka_row(case.topic, {**value, "region": region, "topic": case.topic})
        expected = (lambda *_: Filtered()) if value["status"] == "test" else row
        case.producer.send(case.topic, json.dumps(value).encode(), expected, partition=0)
    case.producer.flush()
    process = case.flow.start(module="examples.enrich_and_filter.flow")
    case.wait_written(300, process)
    counts = process.drain()
    assert (counts["read"], counts["written"], counts["filtered"]) == (400, 300, 100)
    case.verdict(minimum=400)
