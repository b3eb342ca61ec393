"""Dead letters replayed: through the mended mapping into the tables, guarded, and resumable."""

import json
import time
from typing import Any

import pytest

from tests.flows.conftest import Case
from tests.flows.dead_letters import (
    dead_letters_in_topic,
    judged_without,
    messages_of,
    own_block,
    to_table,
    to_topic,
)
from tests.flows.replays import REPLAYS, replay, run_to_end
from tests.support.ledger import Rejected
from tests.support.producers import PAYLOAD
from tests.support.wait import until

pytestmark = pytest.mark.P4


def test_a_mended_mapping_takes_them(case: Case) -> None:
    """What the columns' types refused becomes rows; a dry run before writes nothing.

    A second replay has nothing to do: it goes on where the first ended.
    """
    case.store.create_table(case.topic)
    topic = to_topic(case)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    case.orders(60)
    assert run_to_end(case)["rejected"] == 60
    case.flow.set({"table": {"columns": "all"}})
    dry = replay(case, folder="dry-state", dry_run=True)
    assert dry.text().count("would write: ") == 60
    assert replay(case, dry_run=True).text().count("would write: ") == 60, "it leaves no trace"
    assert case.store.rows(case.topic) == {}
    assert replay(case).counts()["written"] == 60
    case.verdict(minimum=60)
    assert replay(case).counts()["read"] == 0
    assert len(dead_letters_in_topic(case.broker, topic)) == 60


def test_it_goes_on_where_it_was_stopped(embedded_case: Case) -> None:
    """Ended after twenty dead letters and started again: each of the sixty is written once."""
    case = embedded_case
    case.store.create_table(case.topic)
    to_topic(case)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    case.orders(60)
    run_to_end(case)
    case.flow.set({"table": {"columns": "all"}})
    assert replay(case, count=20, rate=100).counts()["written"] == 20
    assert replay(case).counts()["written"] == 40
    assert case.verdict(minimum=60).duplicates == 0


def test_a_selection_takes_only_its_own(case: Case) -> None:
    """By reason, by source topic and by count; the others are left where they are."""
    case.store.create_table(case.topic)
    to_topic(case)
    for value in (b"[1]", b"[2]", b"no json"):
        case.producer.send(case.topic, value, lambda *_: Rejected())
    case.producer.flush()
    run_to_end(case)
    code = "value_no_object"
    selections: list[tuple[dict[str, Any], int]] = [
        ({"codes": [code]}, 2),
        ({"topics": ["another"]}, 0),
        ({"until": "2001-01-01T00:00:00Z"}, 0),
        ({"count": 1}, 1),
    ]
    for number, (selection, taken) in enumerate(selections):
        process = replay(case, folder=f"state-{number}", dry_run=True, **selection)
        assert process.text().count("would reject: ") == taken, process.text()


def test_what_is_rejected_again_carries_its_count(case: Case) -> None:
    """The new dead letter has place, bytes and one replay more, up to max_replays."""
    case.store.create_table(case.topic)
    topic = to_topic(case)
    case.producer.send(case.topic, PAYLOAD.encode(), lambda *_: Rejected(), key=b"k")
    case.producer.flush()
    run_to_end(case)
    rejected = [replay(case, max_replays=2).counts()["rejected"] for _ in range(4)]
    assert rejected == [1, 1, 0, 0], "a run does not read what it has rejected itself"
    found = messages_of(case.broker, topic)
    assert [own_block(message)[REPLAYS] for message in found] == ["0", "1", "2"]
    dead_letters = dead_letters_in_topic(case.broker, topic)
    assert len(set(dead_letters)) == 1
    assert [len(message.headers() or ()) for message in found] == [12, 12, 12]


def test_only_missing_overwrites_nothing(case: Case) -> None:
    """A key that has a row by now keeps it; one that has none gets the replayed one."""
    case.store.create_table(case.topic, (("id", "STRING"),))
    to_topic(case)
    rules = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
    case.flow.set({"table": {**rules, "columns": [{"name": "n", "type": "integer"}]}})
    for row in ({"id": "a", "n": "old"}, {"id": "b", "n": "old"}, {"id": "a", "n": 2}):
        case.producer.send(case.topic, json.dumps(row).encode(), lambda *_: Rejected())
    case.producer.flush()
    assert run_to_end(case)["rejected"] == 2
    case.flow.set({"table": {**rules, "columns": "all"}})
    counts = replay(case, only_missing=True).counts()
    assert (counts["written"], counts["filtered"], counts["rejected"]) == (1, 1, 0)
    rows = case.store.rows(case.topic)
    assert rows == {(("id", "a"),): {"n": 2}, (("id", "b"),): {"n": "old"}}


def test_a_newer_value_is_replaced_and_that_is_reported(embedded_case: Case) -> None:
    """Without versions and only_missing the replayed row takes its place, and a warning says so."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"),))
    to_topic(case)
    rules = {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}
    case.flow.set({"table": {**rules, "columns": [{"name": "n", "type": "integer"}]}})
    for row in ({"id": "a", "n": "old"}, {"id": "a", "n": 2}):
        case.producer.send(case.topic, json.dumps(row).encode(), lambda *_: Rejected())
    case.producer.flush()
    run_to_end(case)
    case.flow.set({"table": {**rules, "columns": "all"}})
    process = replay(case)
    assert (
        f"a replayed row replaces the present row of its key in table {case.topic}"
        in process.text()
    )
    assert "only_missing" in process.text()
    assert case.store.rows(case.topic) == {(("id", "a"),): {"n": "old"}}


@pytest.mark.parametrize("insert_mode", ["put", "update"])
def test_a_newer_value_stays_where_cells_have_versions(
    embedded_case: Case, insert_mode: str
) -> None:
    """With versions a replayed row gives only what nothing newer is there of, and no warning."""
    case = embedded_case
    case.store.create_table(case.topic, (("id", "STRING"),))
    to_topic(case)
    rules = {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "id"}],
        "version": "record_timestamp",
        "max_version_deviation": 86_400,
        "insert_mode": insert_mode,
    }
    case.flow.set({"table": {**rules, "columns": [{"name": "n", "type": "integer"}]}})
    for row in ({"id": "a", "n": "old", "m": 1}, {"id": "a", "n": 2}, {"id": "b", "n": "old"}):
        case.producer.send(case.topic, json.dumps(row).encode(), lambda *_: Rejected())
        case.producer.flush()
        time.sleep(0.01)  # so that their timestamps differ
    assert run_to_end(case)["rejected"] == 2
    case.flow.set({"table": {**rules, "columns": "all"}})
    process = replay(case)
    assert process.counts()["written"] == 2, process.text()
    assert "newer or not" not in process.text()
    rows = case.store.rows(case.topic)
    assert rows == {(("id", "a"),): {"n": 2, "m": 1}, (("id", "b"),): {"n": "old"}}


def test_killed_replays_lose_nothing(embedded_case: Case) -> None:
    """SIGKILL at any moment, from table and from topic: each dead letter's row is there at last."""
    case = embedded_case
    case.store.create_table(case.topic)
    places: list[str] = []
    for number, send in enumerate((to_table, to_topic)):
        places.append(send(case))
        case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
        case.orders(400, first=400 * number)
        assert run_to_end(case)["rejected"] == 400
        case.flow.set({"table": {"columns": "all"}})
        before, case.flow.state = case.flow.state, case.flow.folder / f"killed-{number}"
        case.flow.settings["replay"] = {"rate": 80}
        for rows in (1, 60, 320):
            process = case.flow.start(module="flows.replay")
            case.wait_written(case.store.written() + rows, process)
            if number == 0 and rows == 320:
                until(lambda: marked(case, places[0]), "dead letters that are marked as replayed")
            process.kill()
        case.flow.settings["replay"] = {}
        case.flow.state = before
        # The kills repeat some, so it may be more than are left, but not all again.
        assert replay(case, folder=f"killed-{number}").counts()["read"] < 400
    judged_without(case, places[0])


def marked(case: Case, table: str) -> bool:
    """Whether dead letters of the table are marked as replayed."""
    return any("replayed" in columns for columns in case.store.rows(table).values())


def test_where_nothing_was_kept_there_is_nothing_to_replay(embedded_case: Case) -> None:
    """Dead letters to the log: a clear text with the remedy, instead of an error about a topic."""
    embedded_case.flow.start(module="flows.replay").refused("keeps no record", "replay.source")


def test_a_record_of_which_some_elements_were_rejected(embedded_case: Case) -> None:
    """It is one dead letter; replayed, all of its rows are there, and deletes are deletes again."""
    case = embedded_case
    key = [("id", "STRING"), ("index", "INTEGER")]
    case.store.create_table(case.topic, tuple(key))
    topic = to_topic(case)
    rules = {
        "primary_key_mode": "record_value",
        "primary_key": [{"name": "id"}, {"name": "index", "type": "integer"}],
        "delete_mode": "row",
    }
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps(
        [
            {"type": "explode", "field": "items"},
            {"type": "json", "fields": ["items"], "into": "columns"},
            {"type": "delete_when", "when": {"field": "gone", "equals": True}},
        ]
    )
    case.flow.set({"table": {**rules, "columns": [{"name": "n", "type": "integer"}]}})
    first: list[dict[str, Any]] = [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]
    second: list[dict[str, Any]] = [{"n": 1}, {"n": "x"}, {"gone": True}, {"n": "y"}]
    for items in (first, second, [5]):
        value = {"id": "a", "items": [json.dumps(item) for item in items]}
        case.producer.send(case.topic, json.dumps(value).encode(), lambda *_: Rejected())
    case.producer.flush()
    counts = run_to_end(case)
    assert (counts["read"], counts["written"], counts["rejected"]) == (3, 6, 3)
    assert (counts["in_flight"], counts["unbalanced"]) == (0, 0)
    assert len(messages_of(case.broker, topic)) == 2, "one for each record"
    row = {"n": 1}
    assert case.store.rows(case.topic) == {
        (("id", "a"), ("index", 0)): row,
        (("id", "a"), ("index", 1)): {"n": 2},
        (("id", "a"), ("index", 3)): {"n": 4},
    }
    case.flow.set({"table": {**rules, "columns": "all"}})
    counts = replay(case).counts()
    assert (counts["read"], counts["written"], counts["rejected"]) == (2, 4, 1)
    assert counts["unbalanced"] == 0
    assert case.store.rows(case.topic) == {
        (("id", "a"), ("index", 0)): row,
        (("id", "a"), ("index", 1)): {"n": "x"},
        (("id", "a"), ("index", 3)): {"n": "y"},
    }
