"""What is started where the environment asks for it."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.resources import Resource

from connectors.otel.start import _resource
from tests.support.otlp import OtlpCollector
from tests.unit.factories import new_run


@pytest.mark.parametrize(
    ("environ", "name", "more"),
    [
        ({}, "tablestore-sync", {}),
        ({"OTEL_SERVICE_NAME": "orders"}, "orders", {}),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=x,team=y"}, "x", {"team": "y"}),
    ],
)
def test_who_sends(
    environ: dict[str, str], name: str, more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names of the environment win; the number of the process tells processes apart."""
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    run = new_run()
    run.meters.process = 2
    found: Resource = _resource(run)
    wanted = {"service.name": name, "service.instance.id": "2", "sync.flow": "sync", **more}
    assert wanted.items() <= {**found.attributes}.items()


PROGRAM = """
import sys
from connectors.http_api.observe import observe
from tests.unit.factories import new_run
{before}
run = new_run()
run.owns_process = True
observe(run)
run.counts.add("read", 7)
"""


def _run(before: str, url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": url, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_process_sends_what_it_has_at_its_end() -> None:
    """By the standard variable alone."""
    with OtlpCollector() as collector:
        done = _run("", collector.url)
        assert done.returncode == 0, done.stderr
        assert collector.sums("sync_records_read") == {"0": 7}


def test_without_the_extra_the_run_stops_with_a_remedy() -> None:
    """It is not silent about what was asked for."""
    done = _run("sys.modules['opentelemetry.exporter'] = None", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "bytewax-tablestore[otel]" in done.stderr
