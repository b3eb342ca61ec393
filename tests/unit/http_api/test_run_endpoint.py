"""The endpoint that a supervisor starts: the processes are found by the recovery folder."""

from pathlib import Path

import pytest

from connectors.http_api.run_endpoint import serve_run
from connectors.http_api.server import Endpoint
from connectors.run.environment import CHILD_ENVIRONMENT
from connectors.settings.http import HttpSettings
from connectors.settings.loading import load
from tests.unit.http_api.conftest import ask


def test_it_follows_the_processes(tmp_path: Path, endpoint: Endpoint) -> None:
    """One that has not started, or was started again elsewhere, is looked for each time."""
    (tmp_path / "process-1.http").write_text("http://127.0.0.1:1")
    made = serve_run(tmp_path, HttpSettings(port=0), [0, 1])
    assert made is not None
    try:
        assert not (tmp_path / "process-1.http").exists(), "that of an earlier run"
        states = [one["state"] for one in ask(made.url, "/status").json["processes"]]
        assert states == ["unreachable", "unreachable"]
        assert ask(made.url, "/health").status == 503
        for number in range(2):
            (tmp_path / f"process-{number}.http").write_text(endpoint.url)
        assert ask(made.url, "/health").status == 200
        assert ask(made.url, "/status").json["counts"]["read"] == 320
    finally:
        made.stop()


def test_without_a_port_there_is_none(tmp_path: Path) -> None:
    """As of a process."""
    assert serve_run(tmp_path, HttpSettings(), [0]) is None


def test_the_processes_take_free_ports_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the configuration says, which is for the whole run."""
    file = tmp_path / "config.toml"
    file.write_text('[kafka]\ntopics = ["orders"]\n[http]\nhost = "0.0.0.0"\nport = 8080\n')
    for name, value in CHILD_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    http = load(file).http
    assert (http.host, http.port) == ("127.0.0.1", 0)
