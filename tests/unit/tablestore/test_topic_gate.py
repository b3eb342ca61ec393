"""Topics of a pattern whose table cannot take them wait alone."""

import logging
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from connectors.errors import StopRun
from connectors.run.context import Run
from connectors.tablestore.table_checks import TableChecks
from connectors.tablestore.tables_api import TablesApi
from connectors.tablestore.topic_gate import TopicGate
from connectors.tablestore.verdicts import RequestFailed, Stop
from tests.unit.factories import new_run
from tests.unit.tablestore.fake_service import KAFKA_SHAPE, FakeClient

PATTERN = {"topics": (), "topics_pattern": ".*"}


def gate(**sections: Any) -> tuple[TopicGate, FakeClient, Run]:
    """A gate on a fake client, in whose instance there is the table `orders`."""
    run = new_run(**{"kafka": PATTERN, **sections})
    fake = FakeClient()
    fake.shapes["orders"] = KAFKA_SHAPE
    return TopicGate(run, lambda: TableChecks(cast(TablesApi, fake), run)), fake, run


def waiting() -> float | None:
    """The metric."""
    return REGISTRY.get_sample_value("sync_topics_waiting")


def test_a_topic_without_a_table_waits_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It is reported once with the remedy, and read when its table is there."""
    admit, fake, _ = gate()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert admit({"orders": 4, "new": 1}) == {"orders": 4}
    (record,) = caplog.records
    assert "topic new waits: table new does not exist" in record.message
    assert "auto_create" in record.message
    assert waiting() == 1
    fake.shapes["new"] = KAFKA_SHAPE
    assert admit({"orders": 4, "new": 1}) == {"orders": 4, "new": 1}
    assert waiting() == 0
    assert fake.described.count("orders") == 1
    assert fake.created == []


def test_a_topic_with_an_illegal_table_name_waits_alone(caplog: pytest.LogCaptureFixture) -> None:
    """And a topic that is gone waits no more."""
    admit, _, _ = gate(table={"auto_create": True})
    with caplog.at_level(logging.WARNING):
        assert admit({"orders": 4, "shop.new": 1}) == {"orders": 4}
    assert "[mapping.topics]" in caplog.text
    assert waiting() == 1
    assert admit({"orders": 4}) == {"orders": 4}
    assert waiting() == 0


def test_tables_that_are_to_be_made_are_not_looked_at() -> None:
    """They are made at their first row, as before."""
    admit, fake, _ = gate(table={"auto_create": True})
    assert admit({"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert fake.described == []


@pytest.mark.P5
def test_when_no_topic_can_be_read_the_run_stops() -> None:
    """At its start: waiting would look like a run that works."""
    admit, _, _ = gate()
    with pytest.raises(StopRun, match="table new does not exist"):
        admit({"new": 1})
    assert gate()[0]({}) == {}


@pytest.mark.P5
def test_a_denial_stops_the_start_and_not_a_later_look() -> None:
    """The watching thread must not end the run for what the writers will find out."""
    denied = RequestFailed(Stop("no permission", "OTSNoPermissionAccess"), "OTSNoPermissionAccess")
    admit, fake, _ = gate()
    fake.describe_answers = [denied]
    with pytest.raises(StopRun, match="no permission"):
        admit({"orders": 4})
    admit, fake, _ = gate()
    assert admit({"orders": 4}) == {"orders": 4}
    fake.describe_answers = [denied]
    assert admit({"orders": 4, "new": 1}) == {"orders": 4}


@pytest.mark.parametrize(
    ("sections", "needed"),
    [
        ({}, True),
        ({"kafka": {"topics": ("orders",)}}, False),
        ({"kafka": {**PATTERN, "topic_without_table": "stop"}}, False),
        ({"mapping": {"route_field": "x", "route_tables": ("orders",)}}, False),
        ({"mapping": {"route_tables": ("orders",)}}, False),
    ],
)
def test_where_topics_wait(sections: dict[str, Any], needed: bool) -> None:
    """With a pattern, unless the former stop is wanted or records name their tables."""
    assert TopicGate.needed_for(new_run(**{"kafka": PATTERN, **sections})) is needed
