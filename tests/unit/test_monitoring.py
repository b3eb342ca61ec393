"""Board and alerts use metrics that exist, with labels that they have, as their types allow."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS, MetricSpec
from scripts.alerts import ALERTS, paragraphs
from scripts.board import PANELS, board

ROOT = Path(__file__).parents[2]
SPECS = {spec.name: spec for spec in (*METRICS, *FLOW_METRICS)}
# Labels that Prometheus and the address of a whole run add; Prometheus' client adds metrics.
ADDED = {"job", "instance", "process", "le"}
OTHERS = {"process_resident_memory_bytes", "sync_process_up"}
EXPRESSIONS = [
    *((alert.name, alert.expression) for alert in ALERTS),
    *((panel.title, query) for panel in PANELS for query, _ in panel.queries),
]
each_expression = pytest.mark.parametrize(
    ("where", "expression"),
    EXPRESSIONS,
    ids=[f"{where}-{n}" for n, (where, _) in enumerate(EXPRESSIONS)],
)


def used(expression: str) -> Iterator[tuple[str, MetricSpec | None]]:
    """Each metric in an expression, with its specification."""
    for name in re.findall(r"\b(?:sync|process)_\w+", expression):
        if name not in OTHERS:
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            yield name, SPECS.get(name) or SPECS.get(base)


@each_expression
def test_every_metric_exists(where: str, expression: str) -> None:
    """A metric that is renamed or mistyped would leave a panel empty, and an alert silent."""
    found = [*used(expression)]
    assert found or any(name in expression for name in OTHERS)
    for name, spec in found:
        assert spec is not None, name
        assert (spec.type == "histogram") == (spec.name != name), name


@each_expression
def test_every_label_is_one_of_its_metrics(where: str, expression: str) -> None:
    """In selectors, in `by`, in the alert's text and the panel's legend."""
    labels = {label for _, spec in used(expression) if spec is not None for label in spec.labels}
    asked = set(re.findall(r"[{,]\s*(\w+)\s*(?:=|!)", expression))
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        asked |= {label.strip() for label in group.split(",")}
    assert asked <= labels | ADDED, asked - labels - ADDED
    by = re.search(r"\bby \(([^)]*)\)", expression)
    kept = {label.strip() for label in by[1].split(",")} if by else labels
    for alert in ALERTS:
        if alert.expression == expression:
            assert set(re.findall(r"\$labels\.(\w+)", alert.summary)) <= kept | ADDED
    for panel in PANELS:
        for query, legend in panel.queries:
            if query == expression:
                assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= kept | ADDED


@each_expression
def test_rates_are_of_what_grows(where: str, expression: str) -> None:
    """And what grows is never shown as it is."""
    for name, spec in used(expression):
        assert spec is not None
        is_rate = re.search(rf"(rate|increase)\({name}(\{{[^}}]*\}})?\[", expression) is not None
        assert is_rate == (spec.type != "gauge"), name


def test_every_metric_is_on_the_board() -> None:
    """But for a few that are of use only in a query of one's own."""
    shown = {
        spec.name
        for panel in PANELS
        for query, _ in panel.queries
        for _, spec in used(query)
        if spec
    }
    assert set(SPECS) - shown == {
        "sync_records_resumed_total",
        "sync_records_in_flight",
        "sync_partition_end_offset",
        "sync_partition_read_offset",
        "sync_partition_durable_offset",
        "sync_snapshots_total",
        "sync_draining",
        "sync_build_info",
    }


def test_every_alert_has_its_paragraph() -> None:
    """What it means, what to look at, what to do; its links lead somewhere."""
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    for alert in ALERTS:
        assert f"#### {alert.name}\n" in page
        assert alert.severity in ("info", "warning", "critical")
        for text in (alert.meaning, alert.look, alert.do):
            assert text[0].isupper() or text[0] in "`[", text
            assert text.endswith("."), text
    for link in re.findall(r"\]\(#([\w-]+)\)", paragraphs()):
        assert link in headings, link


def test_panels_do_not_overlap() -> None:
    """Each has its place, and the rows are full."""
    places = [panel["gridPos"] for panel in json.loads(board())["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len({*cells})
    assert max(x for x, _ in cells) < 24


def test_prometheus_takes_the_rules() -> None:
    """Where its own tool is at hand."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool not found")
    rules = ROOT / "docker" / "monitoring" / "alerts.yaml"
    done = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
