"""[[transforms]] in a running flow: what config.toml names is what the table has."""

import json

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.test_order_and_faults import reported
from tests.support.ledger import Columns, Filtered, Rejected
from tests.support.producers import kafka_row

TRANSFORMS = [
    {"type": "filter", "drop": {"field": "status", "equals": "test"}},
    {"type": "extract", "field": "payload", "when": {"field": "payload", "is_null": False}},
    {"type": "rename", "fields": {"amt": "amount"}},
    {"type": "cast", "fields": {"amount": "double"}},
    {"type": "insert", "fields": {"from": "topic", "at_offset": "offset"}},
    {"type": "flatten"},
    {"type": "function", "function": "tests.flows.test_transforms:shout"},
]


def shout(record):  # type: ignore[no-untyped-def]
    """A user's function, found by its name."""
    return record.with_value({**record.value, "city": record.value["to_city"].upper()})


def test_transforms_of_the_configuration(embedded_case: Case) -> None:
    """In their order; what one cannot do with a record rejects that record alone."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps(TRANSFORMS)
    case.flow.set({"errors": {"tolerance": "all", "dead_letters": "log"}})
    for number in range(300):
        inner = {"amt": f"{number}.5", "to": {"city": "ulm", "n": number}}
        partition = number % PARTITIONS
        if number % 10 == 1:
            value: object = {"status": "test", **inner}
            case.producer.send(
                case.topic, json.dumps(value).encode(), lambda *_: Filtered(), partition=partition
            )
        elif number % 10 == 2:
            value = {**inner, "amt": "much"}
            case.producer.send(
                case.topic, json.dumps(value).encode(), lambda *_: Rejected(), partition=partition
            )
        else:
            value = {"payload": inner} if number % 2 else inner

            def row(partition: int, offset: int, number: int = number) -> object:
                columns: Columns = {
                    "amount": number + 0.5,
                    "to_city": "ulm",
                    "to_n": number,
                    "from": case.topic,
                    "at_offset": offset,
                    "city": "ULM",
                }
                return kafka_row(case.topic, columns)(partition, offset)

            case.producer.send(case.topic, json.dumps(value).encode(), row, partition=partition)  # type: ignore[arg-type]
    case.producer.flush()
    process = case.flow.start()
    case.wait_committed(process)
    counts = process.drain()
    case.verdict(minimum=300, reported=reported(process.text()))
    assert (counts["read"], counts["written"]) == (300, 240)
    assert (counts["filtered"], counts["rejected"]) == (30, 30)


def test_a_function_that_is_not_there(embedded_case: Case) -> None:
    """Stops the start with its place in the configuration and the remedy."""
    transforms = [{"type": "function", "function": "nowhere.at_all:f"}]
    embedded_case.flow.env["SYNC__TRANSFORMS"] = json.dumps(transforms)
    embedded_case.flow.start().refused("transforms.0.function", "nowhere.at_all:f", "PYTHONPATH")
