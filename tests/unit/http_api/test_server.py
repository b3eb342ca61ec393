"""The endpoint over HTTP: what it answers, to whom, and that it takes no other address."""

import json
import socket
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.errors import StopRun
from connectors.http_api.models import Health, History, SettingsInForce, Status
from connectors.http_api.provider import ProcessProvider
from connectors.http_api.server import Endpoint, status_schema
from connectors.run.context import Run
from connectors.run.flow_metrics import FLOW_METRICS
from tests.unit.http_api.conftest import ask


def test_every_answer_is_what_it_says(endpoint: Endpoint) -> None:
    """Each path has its type, and its JSON is that of its model."""
    for path, kind, model in (
        ("/status", "application/json", Status),
        ("/health", "application/json", Health),
        ("/ready", "application/json", Health),
        ("/history", "application/json", History),
        ("/settings", "application/json", SettingsInForce),
    ):
        reply = ask(endpoint.url, path)
        assert (reply.status, reply.headers["Content-Type"].partition(";")[0]) == (200, kind)
        model.model_validate_json(reply.text, strict=True)
    for path, kind in (
        ("/", "text/html"),
        ("/page.js", "text/javascript"),
        ("/page.css", "text/css"),
    ):
        reply = ask(endpoint.url, path)
        assert (reply.status, reply.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")


def test_metrics_can_be_read_by_prometheus(endpoint: Endpoint) -> None:
    """All of the flow's own are there."""
    reply = ask(endpoint.url, "/metrics")
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    found = {family.name for family in text_string_to_metric_families(reply.text)}
    assert {metric.name.removesuffix("_total") for metric in FLOW_METRICS} <= found


def test_what_is_not_well_has_status_503(endpoint: Endpoint, run: Run) -> None:
    """And says what, for people and for programs."""
    run.counts.note_stalled("orders:0", True)
    assert ask(endpoint.url, "/health").status == 200
    reply = ask(endpoint.url, "/ready")
    assert reply.status == 503
    (problem,) = reply.json["problems"]
    assert (problem["rule"], problem["subject"]) == ("partition_stalled", "orders:0")
    run.fail(ValueError("x"))
    assert ask(endpoint.url, "/health").status == 503


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/status", 200),
        ("POST", "/status", 405),
        ("DELETE", "/", 405),
        ("GET", "/nothing", 404),
        ("GET", "/../server.py", 404),
        ("GET", "/page/../../server.py", 404),
    ],
)
def test_other_requests(endpoint: Endpoint, method: str, path: str, status: int) -> None:
    """Nothing can be changed, and no other file read."""
    assert ask(endpoint.url, path, method).status == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:1", 200),
        ("localhost", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("", 421),
    ],
)
def test_pages_of_others_get_nothing(endpoint: Endpoint, host: str, status: int) -> None:
    """A name of somebody else that resolves to this machine is not this machine's."""
    assert ask(endpoint.url, "/status", Host=host).status == status


def test_a_browser_runs_nothing_but_its_own_files(endpoint: Endpoint) -> None:
    """Errors have the same headers."""
    for path in ("/", "/status", "/nothing"):
        headers = ask(endpoint.url, path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_address_in_use_stops_the_run_with_a_remedy(endpoint: Endpoint, run: Run) -> None:
    """An address in use stops the run with a text that names it and the remedy."""
    port = int(endpoint.url.rpartition(":")[2])
    with pytest.raises(StopRun, match=f"127.0.0.1 port {port}.*\n  remedy: .*http.port"):
        Endpoint(ProcessProvider(run), "127.0.0.1", port).start()


def test_it_listens_on_its_own_address_only(endpoint: Endpoint) -> None:
    """Another address of this very machine is refused."""
    port = int(endpoint.url.rpartition(":")[2])
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", port))


def test_after_its_end_nobody_listens(run: Run) -> None:
    """After the endpoint has stopped, its port is free again."""
    made = Endpoint(ProcessProvider(run), "127.0.0.1", 0)
    made.start()
    port = int(made.url.rpartition(":")[2])
    made.stop()
    made.stop()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_the_schema_is_served_and_documented(endpoint: Endpoint) -> None:
    """docs/status.schema.json is the same, and has a description of every object."""
    reply = ask(endpoint.url, "/status/schema")
    assert reply.text == status_schema()
    page = Path(__file__).parents[3] / "docs" / "status.schema.json"
    assert page.read_text("utf-8") == reply.text
    schema = json.loads(reply.text)
    assert all(one["description"] for one in schema["$defs"].values())
    assert {*schema["required"]} == {*Status.model_fields}
