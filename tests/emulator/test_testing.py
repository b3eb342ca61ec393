"""`emulator.testing`: what a project that uses the package gets for its own tests."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import tablestore as ots

from emulator.local_server import LocalServer, LocalServerError
from tests.emulator.harness import ROOT
from tests.emulator.read_requests import IGNORE, key

CONFTEST = """
import pytest
from emulator.testing import tablestore_instance, tablestore_server

@pytest.fixture(scope="session")
def tablestore_options():
    return ("--max-filters", "3")
"""
TESTS = """
import pytest
import tablestore

names = []

@pytest.mark.parametrize("number", range(3))
def test_it_is_empty_at_first(tablestore_instance, number):
    client = tablestore.OTSClient(*tablestore_instance.arguments)
    assert list(client.list_table()) == []
    meta = tablestore.TableMeta("orders", [("id", "INTEGER")])
    units = tablestore.ReservedThroughput(tablestore.CapacityUnit(0, 0))
    client.create_table(meta, tablestore.TableOptions(), units)
    client.put_row("orders", tablestore.Row([("id", number)], [("n", 1)]))
    assert tablestore_instance.rows() == {"orders": 1}
    names.append(tablestore_instance.name)

def test_each_had_an_instance_of_its_own(tablestore_server):
    assert len(set(names)) == 3
    assert not any(tablestore_server.control("/-/stats")["tables"].values())
"""


def make(client: Any) -> str:
    units = ots.ReservedThroughput(ots.CapacityUnit(0, 0))
    meta = ots.TableMeta("t", [("k", "STRING"), ("id", "INTEGER")])
    client.create_table(meta, ots.TableOptions(), units)
    return "t"


def test_the_fixtures_work_in_a_project_of_its_own(tmp_path: Path) -> None:
    """One server, its options from the project, an instance a test, nothing left behind."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_instances_are_apart_and_emptied() -> None:
    """Tables of one are not seen in the other; time series go too; the server goes on."""
    with LocalServer() as server:
        with server.instance() as one, server.instance() as two:
            client = ots.OTSClient(*one.arguments)
            client.put_row(make(client), ots.Row(key(1), [("c", 1)]), IGNORE)
            assert (one.rows(), two.rows()) == ({"t": 1}, {})
            assert list(ots.OTSClient(*two.arguments).list_table()) == []
        with server.instance(one.name) as again:
            assert again.rows() == {}
            assert list(ots.OTSClient(*again.arguments).list_table()) == []


def test_faults_and_limits_end_with_the_test() -> None:
    with LocalServer() as server:
        with server.instance() as broken:
            client = ots.OTSClient(*broken.arguments, retry_policy=ots.NoRetryPolicy())
            table = make(client)
            broken.faults({"kind": "server_busy", "api": "PutRow", "count": 1})
            with pytest.raises(ots.OTSServiceError) as caught:
                client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
            assert caught.value.code == "OTSServerBusy"
            broken.throughput(write=0.000001)
            client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
            with pytest.raises(ots.OTSServiceError) as caught:
                client.put_row(table, ots.Row(key(1), [("c", 1)]), IGNORE)
            assert caught.value.code == "OTSNotEnoughCapacityUnit"
        assert server.control("/-/faults")["rules"] == []
        assert server.control("/-/throughput")["limits"] == []


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(LocalServerError, match="unrecognized arguments: --no-such-option"):
        LocalServer("--no-such-option")


def test_a_stopped_server_can_be_stopped_again() -> None:
    server = LocalServer()
    with server.instance():
        server.stop()
    server.stop()
    assert server.process.poll() == 0


def test_what_a_control_page_refuses_is_raised() -> None:
    with (
        LocalServer() as server,
        server.instance() as instance,
        pytest.raises(LocalServerError, match="field 'kind' must be one of"),
    ):
        instance.faults({"kind": "nothing"})


def test_the_command_names_the_extra_when_a_package_is_missing(tmp_path: Path) -> None:
    """Without its packages the command is still there: it was installed with the others."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); from emulator.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(ROOT)], capture_output=True, text=True
    )
    assert 'pip install "bytewax-tablestore[local]"' in done.stderr
    assert "aiohttp" in done.stderr


def test_the_extra_has_what_the_server_imports() -> None:
    """`local` names every package the server needs, and the command is its own."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extra = text.partition("\nlocal = [")[2].partition("]\n")[0]
    assert [line.split(">")[0].strip(' "') for line in extra.splitlines() if ">" in line] == [
        "aiohttp",
        "protobuf",
        "fastcrc",
    ]
    assert 'local-tablestore = "emulator.__main__:main"' in text


def test_an_emulator_in_the_folder_of_the_tests_is_not_started_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "emulator.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    with LocalServer() as server:
        assert server.control("/-/stats")["rows_written"] == 0


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # it is made once, of the environment
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with LocalServer() as server, server.instance() as instance:
        assert instance.rows() == {}
