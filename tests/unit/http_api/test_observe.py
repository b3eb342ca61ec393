"""What is started for a run, and when nothing is."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.errors import StopRun
from connectors.http_api.observe import observe
from connectors.run.context import Run
from connectors.run.recovery import RecoveryFolder
from tests.unit.factories import settings
from tests.unit.http_api.conftest import ask


def run_with_port(port: int | None, folder: RecoveryFolder | None = None) -> Run:
    run = Run("sync", settings(http={} if port is None else {"port": port}), folder)
    run.owns_process = True
    return run


def test_the_address_is_in_the_recovery_folder(tmp_path: Path) -> None:
    """For whoever started the process with port 0."""
    contract = {"flow": "sync", "steps": ["sync.read"], "shards": 64}
    folder = RecoveryFolder.open(tmp_path / "state", 0, 1, contract)
    run = run_with_port(0, folder)
    run.meters.process = 3
    observe(run)
    url = (tmp_path / "state" / "process-3.http").read_text()
    assert ask(url, "/status").json["processes"][0]["process"] == 3
    assert run.meters.observed


def test_nothing_listens_unless_it_is_asked_for() -> None:
    """Neither without a port, nor in a program that embeds the flow."""
    run = run_with_port(None)
    observe(run)
    assert not run.meters.observed
    run = run_with_port(0)
    run.owns_process = False
    observe(run)
    assert not run.meters.observed


def test_a_port_beyond_the_last_one_stops_the_run() -> None:
    """Process 10 of http.port 65530."""
    run = run_with_port(65_530)
    run.meters.process = 10
    with pytest.raises(StopRun, match="beyond 65535"):
        observe(run)


def test_a_replay_beside_its_flow_takes_any_free_port(tmp_path: Path) -> None:
    """The flow has the port of their configuration; a second flow on it stops."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StopRun, match="cannot listen"):
            observe(run_with_port(port))
        contract = {"flow": "replay", "steps": ["replay.read"], "shards": 64}
        run = run_with_port(port, RecoveryFolder.open(tmp_path / "state", 0, 1, contract))
        run.beside_another = True
        observe(run)
        url = (tmp_path / "state" / "process-0.http").read_text()
        assert not url.endswith(f":{port}")
        assert ask(url, "/status").json["processes"]


def test_what_is_not_used_is_not_imported() -> None:
    """The server costs time and memory."""
    program = "import sys, connectors.steps; print('aiohttp.web' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
