"""`tablestore-sync verify`: what it says of records whose fate is known, in every mode."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tablestore import Condition, Row, RowExistenceExpectation, TimeseriesKey, TimeseriesRow

from connectors import cli
from tests.flows.changes.conftest import KEY, Topics
from tests.flows.conftest import Case
from tests.support.flow_process import environment

ANY = Condition(RowExistenceExpectation.IGNORE)
BY_VALUE = {"primary_key_mode": "record_value", "primary_key": KEY, "auto_create": True}
BY_KEY = {**BY_VALUE, "primary_key_mode": "record_key"}
NOW = time.time_ns() // 1_000_000

Said = dict[tuple[str, int], str]
Verify = Callable[..., tuple[int, dict[str, Any], Said]]


@pytest.fixture
def verify(
    embedded_case: Case,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Verify:
    """Run the command; returns exit code, document, and the outcome of each (topic, offset)."""

    def run(*options: str) -> tuple[int, dict[str, Any], Said]:
        monkeypatch.chdir(tmp_path)  # where there is no config.toml
        report = tmp_path / "report.jsonl"
        flow = embedded_case.flow
        with monkeypatch.context() as patched:
            for name, value in {**flow.env, **environment(flow.settings)}.items():
                patched.setenv(name, value)
            code = cli.main(["verify", "--json", "--report", str(report), *options])
        text = capsys.readouterr().out
        assert code in (0, 3), text
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        said = {(line["topic"], line["offset"]): line["outcome"] for line in lines}
        return code, json.loads(text), said

    return run


def of_topic(said: Said, topic: str) -> list[str]:
    """The outcomes of a topic's records in order."""
    return [outcome for (name, _), outcome in sorted(said.items()) if name == topic]


class Everything:
    """A topic and table for each mode, and the records that it is shown with."""

    def __init__(self, case: Case, topics: Topics) -> None:
        self.case = case
        self.tables: dict[str, dict[str, Any]] = {}
        self.topic: dict[str, str] = {}
        self._topics = topics

    def mode(self, name: str, rules: dict[str, Any], *records: tuple[Any, Any]) -> str:
        """A table of these rules, and (key, value) of the records of its topic."""
        topic = self._topics.make()
        self.topic[name] = topic
        self.tables[name] = rules
        for key, value in records:
            self._topics.send(topic, key, value)
        return topic

    def run(self) -> None:
        """Run the flow over all of it."""
        self._topics.run(self.tables, {topic: name for name, topic in self.topic.items()})


def every_mode(case: Case, topics: Topics) -> Everything:
    """Records of every mode."""
    every = Everything(case, topics)
    every.mode(
        "puts",
        BY_VALUE,
        (None, {"id": "a", "n": 1}),
        (None, {"id": "b", "n": 1}),
        (None, {"id": "b", "n": 2}),
        (None, {"n": 3}),  # without a key: a dead letter
        (None, {"id": "d", "drop": True}),
        (None, {"id": "e", "n": 1, "text": "x"}),
    )
    every.mode(
        "updates",
        {**BY_KEY, "insert_mode": "update", "delete_mode": "row_and_column"},
        ({"id": "k"}, {"a": 1}),
        ({"id": "k"}, {"b": 2}),
        ({"id": "k"}, {"a": 3, "c": None}),
        ({"id": "gone"}, {"a": 1}),
        ({"id": "gone"}, None),
    )
    every.mode(
        "versions",
        {**BY_KEY, "version": "field", "version_field": "at"},
        ({"id": "k"}, {"at": NOW, "a": 1}),
        ({"id": "k"}, {"at": NOW - 1000, "a": 2}),
        ({"id": "k"}, {"at": NOW - 1000, "b": 2}),
    )
    every.mode(
        "lists",
        {"auto_create": True, "nested": "flatten"},
        (None, {"list": [{"a": 1}, {"a": 2}], "deep": {"b": 1}}),
        (None, {"list": [], "deep": {"b": 1}}),
    )
    every.mode(
        "generated",
        {
            **BY_VALUE,
            "primary_key": [*KEY, {"name": "number", "type": "auto_increment"}],
        },
        (None, {"id": "a", "n": 1}),
    )
    every.mode(
        "readings",
        {
            "mode": "timeseries",
            "timeseries": {"tags": ["id"], "time_field": "at"},
            "auto_create": True,
        },
        (None, {"id": "a", "at": NOW, "t": 1.5}),
        (None, {"id": "a", "at": NOW, "t": 2.5}),
        (None, {"id": "a", "at": NOW + 1, "t": 3.5}),
        (None, {"id": "b", "at": NOW, "t": 4.5}),
    )
    every.mode(
        "changes",
        {**BY_KEY, "delete_mode": "row"},
        ({"id": "x"}, {"op": "c", "after": {"id": "x", "n": 1}}),
        ({"id": "x"}, {"op": "u", "after": {"id": "x", "n": 2}}),
        ({"id": "y"}, {"op": "c", "after": {"id": "y", "n": 1}}),
        ({"id": "y"}, {"op": "d", "before": {"id": "y"}, "after": None}),
    )
    transforms = [
        {"type": "filter", "drop": {"field": "drop", "equals": True}},
        {"type": "explode", "field": "list", "topics": every.topic["lists"]},
        {"type": "debezium", "topics": every.topic["changes"]},
    ]
    case.flow.env["SYNC__TRANSFORMS"] = json.dumps(transforms)
    return every


@pytest.mark.timeout(400)
def test_what_became_of_each_record_of_every_mode(
    embedded_case: Case, topics: Topics, verify: Verify
) -> None:
    """First after a run, when all is well; then with a difference planted for each outcome."""
    case = embedded_case
    case.flow.set({"errors": {"dead_letters": "tablestore", "auto_create": True}})
    every = every_mode(case, topics)
    every.run()
    # Two come after the run: one changes a row that is there, one makes a new one.
    topics.send(every.topic["puts"], None, {"id": "a", "n": 9})
    topics.send(every.topic["puts"], None, {"id": "new", "n": 9})
    topics.flush()

    code, document, said = verify()
    outcomes = {name: of_topic(said, topic) for name, topic in every.topic.items()}
    assert outcomes == {
        "puts": [
            *("right", "superseded", "right", "dead_lettered", "filtered", "right"),
            *("pending", "pending"),
        ],
        "updates": ["superseded", "right", "right", "superseded", "right"],
        "versions": ["right", "superseded", "right"],
        "lists": ["right", "filtered"],
        "generated": ["unverifiable"],
        "readings": ["superseded", "right", "right", "right"],
        "changes": ["superseded", "right", "superseded", "right"],
    }
    assert code == 0
    assert document["findings"] == []
    (reason,) = document["unverifiable"]
    assert "auto_increment" in reason["reason"]
    assert sum(document["summary"].values()) == 2 * document["summary"]["records"]

    plant_differences(every)
    code, document, said = verify("--show", "100")
    outcomes = {name: of_topic(said, topic) for name, topic in every.topic.items()}
    assert outcomes == {
        "puts": [
            *("pending", "superseded", "missing", "missing", "filtered", "differs"),
            *("pending", "pending"),
        ],
        "updates": ["superseded", "differs", "right", "superseded", "differs"],
        "versions": ["superseded", "superseded", "differs"],
        "lists": ["missing", "filtered"],
        "generated": ["unverifiable"],
        "readings": ["superseded", "differs", "right", "right"],
        "changes": ["superseded", "differs", "superseded", "differs"],
    }
    assert code == 3
    found = {(one["topic"], one["offset"]): one["why"] for one in document["findings"]}
    assert len(found) == document["summary"]["missing"] + document["summary"]["differs"] == 10
    assert "other values in n" in found[every.topic["changes"], 1]
    assert "columns that the record does not have: extra" in found[every.topic["puts"], 5]
    assert "no dead letter" in found[every.topic["puts"], 3]
    assert "deletes the row" in found[every.topic["updates"], 4]


def plant_differences(every: Everything) -> None:
    """Change tables behind the flow's back."""
    client = every.case.store.client

    def put(table: str, key: str, *columns: Any) -> None:
        client.put_row(table, Row([("id", key)], [*columns]), ANY)

    client.delete_row("puts", Row([("id", "a")]), ANY)
    client.delete_row("puts", Row([("id", "b")]), ANY)
    put("puts", "e", ("n", 1), ("text", "x"), ("extra", 1))
    key = [("topic_partition", f"{every.topic['puts']}_0"), ("offset", 3)]
    client.delete_row("dead_letters", Row(key), ANY)
    update = {"PUT": [("b", 99), ("of_another_writer", 1)]}
    client.update_row("updates", Row([("id", "k")], update), ANY)
    put("updates", "gone", ("a", 1))
    # A newer version than any record has, and another value of the same version.
    cells = {"PUT": [("a", 5, NOW + 5000), ("at", 5, NOW + 5000), ("b", 5, NOW - 1000)]}
    client.update_row("versions", Row([("id", "k")], cells), ANY)
    (of_list, _), *_ = sorted(every.case.store.rows("lists").items())
    client.delete_row("lists", Row([*of_list]), ANY)
    series = TimeseriesKey("", "", {"id": "a"})
    for row in readings(every, "a"):
        series = row.timeseries_key
    point = TimeseriesRow(series, {"t": 7.5}, NOW * 1000)
    client.put_timeseries_data("readings", [point])
    put("changes", "x", ("n", 7))
    put("changes", "y", ("n", 7))


def readings(every: Everything, device: str) -> list[Any]:
    """The points of a device."""
    from tablestore.metadata import GetTimeseriesDataRequest

    series = TimeseriesKey(every.topic["readings"], "", {"id": device})
    request = GetTimeseriesDataRequest("readings", series, 0, (NOW + 10_000) * 1000)
    rows = every.case.store.client.get_timeseries_data(request).rows
    assert rows
    return list(rows)
