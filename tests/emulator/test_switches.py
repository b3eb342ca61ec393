"""Switches and documents: keys of instances, order of key columns, `--help`, the README."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots

from emulator.arguments import parse_arguments
from emulator.faults import KINDS
from emulator.settings import Options
from tests.emulator import series
from tests.emulator.harness import ROOT, all_rows, running

IGNORE = ots.Condition("IGNORE")
README = (ROOT / "emulator" / "README.md").read_text(encoding="utf-8")


def refused(call: Any) -> tuple[int, str, str]:
    with pytest.raises(ots.OTSServiceError) as caught:
        call()
    error = caught.value
    return error.get_http_status(), error.get_error_code(), error.get_error_message()


def test_instances_can_have_keys_of_their_own() -> None:
    """A key opens its own instance only, and two instances share no table."""
    with running("--instance", "demo", "--instance", "other:other-key:other-secret") as server:
        mine = server.client()
        other = ots.OTSClient(server.url, "other-key", "other-secret", "other")
        table = server.make_table()
        assert mine.list_table() == (table,) or list(mine.list_table()) == [table]
        assert list(other.list_table()) == []
        stranger = server.client(instance="other")
        assert refused(stranger.list_table) == (
            403,
            "OTSAuthFailed",
            "The instance is not found.",
        )
        wrong = ots.OTSClient(server.url, "other-key", "demo-secret", "other")
        assert refused(wrong.list_table)[2] == "Signature mismatch."
        assert any("instance other, key id other-key" in line for line in server.greeting)


@pytest.mark.parametrize(
    "given", ["other:key", "other:key:", "other::secret", "x", "other:demo-key:else", "a_b"]
)
def test_a_bad_instance_is_refused_at_start(given: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(["--instance", given])
    assert caught.value.code == 2
    assert given.partition(":")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "65536"), ("--port", "-1"), ("--latency", "nan"), ("--ready-delay", "-1")],
)
def test_a_number_out_of_range_is_refused_at_start(option: str, value: str, capsys: Any) -> None:
    """Instead of a traceback when the server begins to listen, or a delay that never ends."""
    with pytest.raises(SystemExit) as caught:
        parse_arguments([f"{option}={value}"])
    assert caught.value.code == 2
    assert f"argument {option}: {value} is not" in capsys.readouterr().err


def test_key_columns_may_come_in_any_order_if_so_set() -> None:
    """By default the order of the schema is asked for; the text names the first that differs."""
    swapped = [("id", 1), ("k", "a")]
    change = ots.Row(swapped, [("c", 5)])
    with running() as server:
        table, client = server.make_table(), server.client()
        assert refused(lambda: client.put_row(table, change, IGNORE)) == (
            400,
            "OTSInvalidPK",
            "Validate PK name fail. Input: id, Meta: k.",
        )
    with running("--key-order", "any") as server:
        table, client = server.make_table(), server.client()
        client.put_row(table, change, IGNORE)
        (found,) = all_rows(client, table)
        assert [tuple(cell) for cell in found.primary_key] == [("k", "a"), ("id", 1)]
        assert client.get_row(table, swapped, max_version=1)[1].attribute_columns[0][1] == 5
        wrong = ots.Row([("id", 1), ("x", "a")], [("c", 5)])
        assert refused(lambda: client.put_row(table, wrong, IGNORE))[1] == "OTSInvalidPK"


def options_of_help() -> dict[str, str]:
    """Each option of `--help` and its text."""
    shown = subprocess.run(
        [sys.executable, "-m", "emulator", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout
    parts = re.split(r"\n  (?=-)", shown.split("options:")[1])[1:]
    parts = [part.split("\n\n")[0] for part in parts]  # without the heading of the next group
    return {part.split()[0].strip(","): " ".join(part.split()) for part in parts}


def test_help_tells_every_option_and_its_default() -> None:
    """Each option has a text, and each field of the options can be chosen."""
    found = options_of_help()
    for option, text in found.items():
        words = re.sub(r"^\S+( \S+)?( \{\S+\})?", "", text)
        assert len(words.split()) >= 2 or "(" in words, text
        assert option == "-h" or f"`{option}" in README, f"{option} is not in the README"
    names = {option.removeprefix("--").replace("-", "_") for option in found}
    unnamed = {"instances": "instance", "key_columns_count": "key_columns"}
    fields = {field.name for field in dataclasses.fields(Options)} - {"instance_keys"}
    assert {unnamed.get(name, name) for name in fields} <= names


def test_every_fault_is_in_the_readme() -> None:
    table = README[README.index("| Kind | Applied?") :]
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", table))


def imports(folder: Path, without: str = "") -> set[str]:
    """Top-level packages that the modules under a folder import, but for one folder in it."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        if without and path.is_relative_to(folder / without):
            continue
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE))
    return found


def test_the_emulator_and_the_connectors_do_not_know_each_other() -> None:
    """It is a product of its own: it imports nothing of the project, and no SDK either."""
    own = imports(ROOT / "emulator")
    assert "emulator" in own, "nothing was looked at"
    assert own.isdisjoint(("connectors", "flows", "localkafka", "demo", "tests", "tablestore"))
    for folder in ("connectors", "flows"):
        # connectors/testing is for tests, which start a local Tablestore.
        assert "emulator" not in imports(ROOT / folder, without="testing")
    loaded = subprocess.run(
        [sys.executable, "-c", "import emulator.cli, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout.split()
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(("connectors", "tablestore"))


def test_any_instance_is_served_when_asked() -> None:
    """Each has tables of its own; an instance with a key of its own stays closed to other keys."""
    own = "--instance", "demo", "--instance", "mine:my-id:my-secret"
    with running("--any-instance", *own) as server:
        table = server.make_table()
        other = server.client(instance="some-other")
        assert list(other.list_table()) == []
        assert table in server.client().list_table()
        for name in ("mine", "x", "1abc"):
            with pytest.raises(ots.OTSServiceError) as caught:
                server.client(instance=name).list_table()
            assert caught.value.message == "The instance is not found."
    with running() as server, pytest.raises(ots.OTSServiceError) as caught:
        server.client(instance="some-other").list_table()
    assert caught.value.code == "OTSAuthFailed"


@pytest.mark.parametrize("separate", [False, True])
def test_both_data_models_share_names_unless_asked_otherwise(separate: bool) -> None:
    options = ("--table-names", "separate") if separate else ()
    with running(*options) as server:
        client, name = server.client(), server.make_table()
        if separate:
            assert series.make(client, name) == name
            assert list(client.list_table()) == [name]
            client.delete_timeseries_table(name)
            assert list(client.list_table()) == [name]
            return
        with pytest.raises(ots.OTSServiceError) as caught:
            series.make(client, name)
        assert caught.value.code == "OTSObjectAlreadyExist"


def test_the_number_of_filters_can_be_that_of_the_guide() -> None:
    with running("--max-filters", "10") as server:
        client, table = server.client(), server.make_table()
        both = ots.CompositeColumnCondition(ots.LogicalOperator.AND)
        for number in range(10):
            both.add_sub_condition(ots.SingleColumnCondition("c", number, ots.ComparatorType.EQUAL))
        with pytest.raises(ots.OTSServiceError) as caught:
            client.get_row(table, [("k", "a"), ("id", 1)], [], both, max_version=1)
        assert caught.value.message == "The count of filter exceeds the max: 10."


def test_each_request_is_logged_when_asked(tmp_path: Path) -> None:
    """Operation, request ID, status, code and fault; nothing of a row."""
    log = tmp_path / "log"
    with log.open("w") as stderr, running("--verbose", stderr=stderr) as server:
        table, client = server.make_table(), server.client()
        with server.faults({"kind": "server_busy", "api": "PutRow", "count": 1}):
            change = ots.Row([("k", "a-secret"), ("id", 1)], [("c", 5)])
            assert refused(lambda: client.put_row(table, change, IGNORE))[1] == "OTSServerBusy"
            client.put_row(table, change, IGNORE)
    found = [line for line in log.read_text().splitlines() if ":PutRow " in line]
    assert re.fullmatch(
        r"INFO:emulator:PutRow \S{36}: 503 OTSServerBusy, fault server_busy, \S+ ms", found[0]
    )
    assert re.fullmatch(r"INFO:emulator:PutRow \S{36}: 200 OK, \S+ ms", found[1])
    assert len(found) == 2
    assert "a-secret" not in log.read_text()
