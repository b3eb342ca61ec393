"""What tolerance all does not tolerate: refusals of everything, and a stream that is all bad."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.flows.conftest import PARTITIONS, Case
from tests.flows.dead_letters import dead_letters_in_topic, to_topic
from tests.support.ledger import Rejected
from tests.support.wait import until

pytestmark = pytest.mark.P5

STOPS: Mapping[str, Mapping[str, Any]] = {
    "expired credentials": {"kind": "auth_failed"},
    "a missing permission": {"kind": "no_permission"},
    "a clock that is wrong": {"kind": "clock_skew"},
}


@pytest.mark.fault("destination", "credentials that are refused", "a wrong clock")
@pytest.mark.parametrize("kind", STOPS)
def test_a_stop_verdict_stops(embedded_case: Case, kind: str) -> None:
    """It begins under a running flow: exit code 1, remedy, no dead letter; mended, it goes on."""
    case = embedded_case
    case.store.create_table(case.topic)
    topic = to_topic(case)
    process = case.flow.start()
    case.orders(40)
    case.wait_written(40, process)
    case.store.set_faults({"api": "BatchWriteRow", **STOPS[kind]})
    case.orders(40, first=40)
    process.refused("remedy")
    case.store.set_faults()
    assert not dead_letters_in_topic(case.broker, topic)
    process = case.flow.start()
    case.wait_committed(process)
    process.drain()
    case.verdict(minimum=80)


@pytest.mark.parametrize("key", [None, (("id", "STRING"),)])
def test_a_table_that_changes_stops(
    embedded_case: Case, key: tuple[tuple[str, str], ...] | None
) -> None:
    """It vanishes, or comes back with another key, under a running flow: no dead letter."""
    case = embedded_case
    case.store.create_table(case.topic)
    topic = to_topic(case)
    process = case.flow.start()
    case.orders(40)
    case.wait_written(40, process)
    case.store.client.delete_table(case.topic)
    if key is not None:
        case.store.create_table(case.topic, key)
    case.orders(40, first=40)
    process.refused(case.topic, "remedy")
    assert not dead_letters_in_topic(case.broker, topic)


def test_the_brake_stops_a_bad_stream(embedded_case: Case) -> None:
    """More than max_rejected: the run stops before them, and with a higher limit goes on."""
    case = embedded_case
    case.store.create_table(case.topic)
    topic = to_topic(case)
    case.flow.set({"errors": {"max_rejected": 5}})
    for number in range(40):
        case.producer.send(case.topic, b"bad", lambda *_: Rejected(), partition=number % PARTITIONS)
    case.producer.flush()
    case.flow.start().refused("max_rejected", "remedy")
    case.flow.set({"errors": {"max_rejected": 40}})
    process = case.flow.start()
    case.wait_committed(process)
    assert process.drain()["rejected"] == 40
    places = {dead_letter.place for dead_letter in dead_letters_in_topic(case.broker, topic)}
    assert len(places) == 40
    until(lambda: "sync: rejected: topic" in process.text(), "the last reasons")
