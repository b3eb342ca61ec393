"""`tablestore-sync init` on topics: a file that check accepts and a run can use."""

import json
from pathlib import Path

import pytest

from connectors import cli
from tests.flows.conftest import Case

pytestmark = pytest.mark.flows


@pytest.fixture
def options(embedded_case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The options that name the services of a case, in a folder of its own; 40 orders are there."""
    case = embedded_case
    monkeypatch.chdir(tmp_path)
    case.orders(40)
    where = ["--bootstrap-servers", case.broker.bootstrap]
    return [*where, "--endpoint", case.store.url, "--instance", case.store.instance]


def test_a_run_can_use_what_init_writes(
    embedded_case: Case, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Check accepts it, preview rejects nothing, and init has written nothing but its file."""
    case = embedded_case
    before = {*Path().iterdir()}
    assert cli.main(["init", "--topic", case.topic, *options]) == 0
    assert {*Path().iterdir()} - before == {Path("config.toml")}
    printed = capsys.readouterr().out
    assert "value format: json  (40 of 40 are JSON objects)" in printed
    assert "tablestore-sync check --config config.toml" in printed
    assert case.store.client.list_table() == ()
    assert cli.main(["check", "--offline"]) == 0
    assert cli.main(["preview", "--last", "40", "--seconds", "60"]) == 0
    assert f"table {case.topic}: 40 rows" in capsys.readouterr().out


def test_a_file_that_exists_stays(
    embedded_case: Case, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Unless --force is given; nothing is asked where stdin is no terminal."""
    file = Path("config.toml")
    file.write_text("mine")
    topic = ["--topic", embedded_case.topic]
    assert cli.main(["init", *topic, *options]) == 1
    assert "--force" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert cli.main(["init", *topic, *options, "--force", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["config"] == file.read_text()
    assert document["guesses"][embedded_case.topic]


def test_what_init_cannot_know_has_its_remedy(
    embedded_case: Case, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No topic named, a topic that is missing or empty, brokers that are away."""
    embedded_case.broker.topic("empty", 1)
    empty = embedded_case.broker.topic("empty", 1)
    for arguments, words in (
        (options, "name one or more by --topic"),
        ([*options, "--topic", "not-there"], "no such topic"),
        ([*options, "--topic", empty], "has no record"),
        ([*options, "--property", "nonsense"], "NAME=VALUE"),
        (["--bootstrap-servers", "127.0.0.1:9", "--property", "socket.timeout.ms=1000"], "--boot"),
    ):
        assert cli.main(["init", *arguments]) in (1, 2)
        assert words in capsys.readouterr().err
    assert not Path("config.toml").exists()
