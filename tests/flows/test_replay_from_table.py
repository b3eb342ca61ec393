"""Dead letters of a table replayed: all of them, later ones, what is rejected again."""

import json

import pytest

from tests.flows.conftest import Case
from tests.flows.dead_letters import judged_without, to_table
from tests.flows.replays import replay, run_to_end
from tests.support.ledger import Rejected
from tests.support.producers import PAYLOAD, kafka_row

pytestmark = pytest.mark.P4


def test_from_the_table(embedded_case: Case) -> None:
    """Dead letters of a table, one of them in parts, become rows; a second replay reads none."""
    case = embedded_case
    case.store.create_table(case.topic)
    table = to_table(case)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    case.orders(250)
    long: dict[str, int | float | bool | str | bytes] = {
        "order_id": "x",
        **{f"text_{number}": "y" * 900_000 for number in range(3)},
    }
    case.producer.send(
        case.topic,
        json.dumps(long).encode(),
        kafka_row(case.topic, long),
        key=b"k",
        timestamp=1_700_000_000_123,
    )
    case.producer.flush()
    assert run_to_end(case)["rejected"] == 251
    case.flow.set({"table": {"columns": "all"}})
    dry = replay(case, folder="dry-state", dry_run=True)
    assert dry.text().count("would write: ") == 251
    assert case.store.rows(case.topic) == {}
    one = replay(case, folder="one", count=1, until="2024-01-01T00:00:00Z", dry_run=True)
    assert one.text().count("would write: ") <= 1, "only the old one is of that time"
    assert replay(case, dry_run=True).text().count("would write: ") == 251
    assert replay(case, count=100, rate=200).counts()["written"] == 100
    assert replay(case, dry_run=True).text().count("would write: ") == 151
    assert replay(case).counts()["written"] == 151
    assert replay(case).counts()["read"] == 0
    assert replay(case, folder="new").counts()["read"] == 0, "the dead letters are marked"
    assert replay(case, folder="new", again=True, count=9).counts()["written"] == 9
    judged_without(case, table)


def test_later_dead_letters_of_the_table_are_found(embedded_case: Case) -> None:
    """Of the same folder, wherever in the table they stand; settled ones are not taken again."""
    case = embedded_case
    case.store.create_table(case.topic)
    table = to_table(case)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    for turn in range(3):
        # In all partitions, so that later ones stand between those of before.
        case.orders(40, first=40 * turn)
        case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
        assert run_to_end(case)["rejected"] == 40
        case.flow.set({"table": {"columns": "all"}})
        assert replay(case).counts()["written"] == 40
    judged_without(case, table)


def test_from_the_table_rejected_again(embedded_case: Case) -> None:
    """The dead letter stays where it is, with one replay more, up to max_replays."""
    case = embedded_case
    case.store.create_table(case.topic)
    table = to_table(case)
    case.producer.send(case.topic, PAYLOAD.encode(), lambda *_: Rejected(), key=b"k")
    case.producer.flush()
    run_to_end(case)
    rejected = [replay(case, max_replays=2).counts()["rejected"] for _ in range(4)]
    assert rejected == [1, 1, 0, 0]
    ((_, columns),) = case.store.rows(table).items()
    assert (columns["replays"], columns["value"]) == (2, PAYLOAD.encode())
