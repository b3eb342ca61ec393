"""One address for several processes: over HTTP, with those that answer and those that do not."""

import asyncio
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from connectors.http_api.aggregate import RunProvider, merge_metrics
from connectors.http_api.provider import ProcessProvider
from connectors.http_api.server import Endpoint
from tests.unit.http_api.conftest import busy_run


@pytest.fixture
def urls() -> Iterator[dict[int, str]]:
    """Two processes that answer."""
    made = [Endpoint(ProcessProvider(busy_run(number)), "127.0.0.1", 0) for number in range(2)]
    for endpoint in made:
        endpoint.start()
    yield {number: endpoint.url for number, endpoint in enumerate(made)}
    for endpoint in made:
        endpoint.stop()


def test_all_that_answer_are_one_run(urls: dict[int, str]) -> None:
    """Counts are sums, and it is well when all are."""
    provider = RunProvider(lambda: urls)
    status = asyncio.run(provider.status())
    assert (status.counts["read"], status.state, status.ready) == (320, "running", True)
    assert asyncio.run(provider.ready()).ok
    assert asyncio.run(provider.health()).ok
    assert asyncio.run(provider.settings()).options["kafka.topics"] == ["orders", "clicks"]


def test_one_that_does_not_answer_fails_the_run(urls: dict[int, str]) -> None:
    """It is named; what the others say stays."""
    provider = RunProvider(lambda: {**urls, 2: "http://127.0.0.1:9"})
    status = asyncio.run(provider.status())
    assert (status.counts["read"], status.state, status.healthy) == (320, "unreachable", False)
    assert [one.process for one in status.processes] == [0, 1, 2]
    assert status.processes[2].error.startswith("no answer")
    health = asyncio.run(provider.health())
    assert not health.ok
    assert [problem.subject for problem in health.problems] == ["process 2"]
    assert 'sync_process_up{process="2"} 0.0' in asyncio.run(provider.metrics())


def test_somebody_else_is_no_process(urls: dict[int, str]) -> None:
    """A port that another program has by now."""
    provider = RunProvider(lambda: {0: f"{urls[0]}/page.js?", 1: f"{urls[0]}/nothing"})
    status = asyncio.run(provider.status())
    assert [one.error for one in status.processes] == [
        "the answer is that of something else",
        "HTTP 404",
    ]


def test_no_process_at_all() -> None:
    """As between a crash and the next start."""
    provider = RunProvider(dict)
    assert not asyncio.run(provider.health()).ok
    assert not asyncio.run(provider.ready()).ok
    status = asyncio.run(provider.status())
    assert (status.state, status.healthy, status.counts) == ("unreachable", False, {})
    assert asyncio.run(provider.history()).points == []
    assert asyncio.run(provider.settings()).options == {}


def test_metrics_keep_types_help_and_samples() -> None:
    """Histograms and counters too; each sample has the number of its process."""
    text = b"""# HELP a_total Some.
# TYPE a_total counter
a_total{x="1"} 5
# HELP h_seconds Durations.
# TYPE h_seconds histogram
h_seconds_bucket{le="+Inf"} 2
h_seconds_count 2
h_seconds_sum 3
"""
    merged = merge_metrics({0: text, 1: text})
    families = {one.name: one for one in text_string_to_metric_families(merged)}
    assert (families["a"].type, families["a"].documentation) == ("counter", "Some.")
    assert [(s.name, s.labels, s.value) for s in families["a"].samples] == [
        ("a_total", {"x": "1", "process": "0"}, 5),
        ("a_total", {"x": "1", "process": "1"}, 5),
    ]
    assert families["h_seconds"].type == "histogram"
    assert merged.count("# TYPE h_seconds histogram") == 1
    assert 'h_seconds_bucket{le="+Inf",process="1"} 2.0' in merged
