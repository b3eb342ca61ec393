"""`tablestore-sync preview` on topics: which records, what they cost, what it leaves alone."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tablestore import Condition, Row, RowExistenceExpectation

from connectors import cli
from tests.flows.conftest import Case
from tests.support.flow_process import environment
from tests.support.store import KEY_ID, KEY_SECRET

PLAIN = {"table": {"primary_key_mode": "record_value", "primary_key": [{"name": "id"}]}}
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def preview(
    case: Case,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run the command with options and settings; returns its exit code and its document."""
    monkeypatch.chdir(tmp_path)

    def run(*options: str, settings: Mapping[str, Any] = PLAIN) -> Any:
        whole = {
            "kafka": {"bootstrap_servers": case.broker.bootstrap, "topics": [case.topic]},
            **settings,
        }
        with monkeypatch.context() as patched:
            for name, value in environment(whole).items():
                patched.setenv(name, value)
            code = cli.main(["preview", "--json", "--seconds", "60", *options])
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, document

    return run


def produce(case: Case, records: list[tuple[int, bytes | None, bytes]]) -> None:
    """Send (partition, key, value), a millisecond apart."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": case.broker.bootstrap, "log_level": 0})
    for number, (partition, key, value) in enumerate(records):
        producer.produce(
            case.topic, value, key, partition=partition, timestamp=1_700_000_000_000 + number
        )
    assert producer.flush(30) == 0


def ids(document: Mapping[str, Any]) -> list[Any]:
    """The first key value of each previewed row, in order."""
    return [record["rows"][0]["key"][0]["value"] for record in document["records"]]


def test_which_records(case: Case, preview: Run) -> None:
    """The newest of all partitions, those of a partition, from an offset on, and of a key."""
    records: list[tuple[int, bytes | None, bytes]] = [
        (number % 3, b"k%d" % (number % 4), b'{"id": "%d", "n": 1}' % number)
        for number in range(30)
    ]
    produce(case, records)
    code, document = preview("--last", "7")
    assert code == 0
    assert ids(document) == [str(number) for number in range(23, 30)]
    assert ids(preview("--last", "3", "--partition", "1")[1]) == ["22", "25", "28"]
    place = ("--topic", case.topic, "--partition", "2", "--offset", "4")
    assert ids(preview(*place, "--last", "2")[1]) == ["14", "17"]
    assert ids(preview("--key", "k1", "--last", "4")[1]) == ["17", "21", "25", "29"]
    assert ids(preview("--last", "1000")[1]) == [str(number) for number in range(30)]
    assert preview("--partition", "3")[1]["records"] == []
    for wrong, words in (
        (("--offset", "3"), "remedy: name --topic and --partition"),
        (("--partition", "9"), "there is no partition 9"),
        (("--topic", "none-of-these"), "no such topic"),
    ):
        code, document = preview(*wrong)
        assert code == 1
        assert words in document["error"]


def test_a_rejection_has_code_reason_and_exit_code_3(case: Case, preview: Run) -> None:
    """Without the value of the record; its neighbours have their rows."""
    produce(
        case,
        [(0, None, b'{"id": "1", "n": 1}'), (0, None, b'{"id": 7'), (0, None, b'{"name": "x"}')],
    )
    code, document = preview()
    assert code == 3
    codes = [[one["code"] for one in record["rejections"]] for record in document["records"]]
    assert codes == [[], ["value_json_invalid"], ["key_missing"]]
    assert document["summary"]["rejected"] == 2
    assert all(one["remedy"] for record in document["records"] for one in record["rejections"])


def test_nothing_is_written_created_or_committed(case: Case, preview: Run) -> None:
    """Not even with auto_create, and without any access key."""
    produce(case, [(0, None, b'{"id": "1", "n": 1}')])
    settings = {"table": {**PLAIN["table"], "auto_create": True}}
    assert preview(settings=settings)[0] == 0
    assert case.store.client.list_table() == ()
    assert case.store.effects() == []
    assert case.committed() == {}
    assert not Path("state").exists()


def test_bytes_and_capacity_units_are_what_the_service_answers(case: Case, preview: Run) -> None:
    """The same rows, written by the official SDK, take as many units."""
    sizes = (10, 4060, 4080, 4096, 9000)
    produce(
        case,
        [(0, None, json.dumps({"id": f"{n}", "text": "x" * n, "n": 5}).encode()) for n in sizes],
    )
    _, document = preview()
    case.store.create_table(case.topic, [("id", "STRING")])
    expected = []
    for record in document["records"]:
        (row,) = record["rows"]
        key = [(cell["name"], cell["value"]) for cell in row["key"]]
        columns = [(cell["name"], cell["value"]) for cell in row["columns"]]
        condition = Condition(RowExistenceExpectation.IGNORE)
        consumed, _ = case.store.client.put_row(case.topic, Row(key, columns), condition)
        expected.append(consumed.write)
    assert expected == [1, 1, 2, 2, 3]
    assert [record["rows"][0]["capacity_units"] for record in document["records"]] == expected


def test_the_text_shows_rows_steps_and_reasons(
    embedded_case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For people; and no secret is in it."""
    case = embedded_case
    produce(case, [(0, None, b'{"id": "1", "amount": 1.5}'), (1, None, b"{")])
    settings: dict[str, dict[str, Any]] = {
        "kafka": {"bootstrap_servers": case.broker.bootstrap, "topics": [case.topic]},
        **PLAIN,
    }
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    transforms = [{"type": "rename", "fields": {"amount": "total"}}]
    monkeypatch.setenv("SYNC__TRANSFORMS", json.dumps(transforms))
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)
    assert cli.main(["preview", "--steps", "--seconds", "60"]) == 3
    text = capsys.readouterr().out
    assert f"put table {case.topic}" in text
    assert "key id" in text
    assert 'value {"id": "1", "amount": 1.5}' in text
    assert "1. rename" in text
    assert 'value {"id": "1", "total": 1.5}' in text
    assert "rejected: decode, value_json_invalid" in text
    assert "remedy:" in text
    assert KEY_SECRET not in text
