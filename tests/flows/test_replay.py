"""Dead letters replayed: through the mended mapping into the tables, guarded, and resumable."""

import json
from typing import Any

from tests.flows.conftest import Case
from tests.flows.letters import letters_in_topic, messages_of, own_block, to_topic
from tests.support.flow_process import FlowProcess
from tests.support.ledger import Rejected
from tests.support.producing import PAYLOAD

REPLAYS = "__tablestore_sync.replays"


def replay(case: Case, folder: str = "replay-state", **settings: Any) -> FlowProcess:
    """Run the replay to its end; it has a recovery folder of its own."""
    before, case.flow.state = case.flow.state, case.flow.folder / folder
    case.flow.settings["replay"] = settings
    process = case.flow.start(module="flows.replay")
    case.flow.state = before
    code = process.wait()
    assert code == 0, process.text()
    return process


def run_to_end(case: Case) -> dict[str, int]:
    """Run the flow until all is settled."""
    process = case.flow.start()
    case.wait_committed(process)
    return process.drain()


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
    assert case.store.rows(case.topic) == {}
    assert replay(case).counts()["written"] == 60
    case.verdict(minimum=60)
    assert replay(case).counts()["read"] == 0
    assert len(letters_in_topic(case.broker, topic)) == 60


def test_it_goes_on_where_it_was_stopped(embedded_case: Case) -> None:
    """Ended after twenty letters and started again: each of the sixty is written exactly once."""
    case = embedded_case
    case.store.create_table(case.topic)
    to_topic(case)
    case.flow.set({"table": {"columns": [{"name": "order_id", "type": "integer"}]}})
    case.orders(60)
    run_to_end(case)
    case.flow.set({"table": {"columns": "all"}})
    first = replay(case, count=20, rate=100).counts()["written"]
    assert 20 <= first < 60
    assert replay(case).counts()["written"] == 60 - first
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
    """The new dead letter has place, bytes and one replay more, up to most_replays."""
    case.store.create_table(case.topic)
    topic = to_topic(case)
    case.producer.send(case.topic, PAYLOAD.encode(), lambda *_: Rejected(), key=b"k")
    case.producer.flush()
    run_to_end(case)
    written = 0
    for _ in range(4):
        written += replay(case, most_replays=2).counts()["rejected"]
    assert written == 2
    found = messages_of(case.broker, topic)
    assert [own_block(message)[REPLAYS] for message in found] == ["0", "1", "2"]
    letters = letters_in_topic(case.broker, topic)
    assert len(set(letters)) == 1
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
