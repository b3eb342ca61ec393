"""Traces of batches: a span of the batch, one for each of its requests, no values."""

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from connectors.errors import StopRun
from connectors.otel.traces import BatchTracer
from tests.support.otlp import OtlpCollector
from tests.unit.factories import CANARY
from tests.unit.tablestore.fake_service import BUSY, DENIED, OK, Writing, answers, changes, tolerant


@pytest.fixture
def collector() -> Iterator[OtlpCollector]:
    with OtlpCollector() as made:
        yield made


def tracer(collector: OtlpCollector) -> BatchTracer:
    exporter = OTLPSpanExporter(endpoint=f"{collector.url}/v1/traces")
    return BatchTracer(Resource({}), SimpleSpanProcessor(exporter))


def test_a_batch_has_a_span_and_its_requests_have_theirs(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request of the batch is the retry; coordinates and numbers, and nothing else."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    with Writing(tolerant(), answers([OK, BUSY])) as writing:
        writing.run.meters.tracer = tracer(collector)
        writing.write(changes(("a", CANARY), ("b", CANARY)))
    (batch,) = collector.spans("write batch")
    assert batch.attributes["sync.sources"] == ["orders:0@0-1"]
    assert (batch.rows, batch.attributes["sync.tables"], batch.is_error) == (2, ["orders"], False)
    first, second = collector.spans("request")
    assert {first.parent, second.parent} == {batch.id}
    codes = [span.attributes["db.response.status_code"] for span in (first, second)]
    assert codes == ["PARTIAL", "OK"]
    assert [span.is_error for span in (first, second)] == [True, False]
    assert [span.rows for span in (first, second)] == [2, 1]
    assert all(0 <= span.seconds <= batch.seconds for span in (first, second))
    assert CANARY.encode() not in b"".join(each.SerializeToString() for each in collector.traces)


def test_a_batch_that_ends_the_run_is_an_error(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The span says which kind, and the log says why."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    with Writing(tolerant(), answers([DENIED])) as writing:
        writing.run.meters.tracer = tracer(collector)
        with pytest.raises(StopRun):
            writing.write(changes(("a", 1)))
    (batch,) = collector.spans("write batch")
    assert batch.is_error


@pytest.mark.parametrize(("sampler", "traced"), [("always_off", 0), ("always_on", 300)])
def test_the_sampler_is_that_of_the_environment(
    collector: OtlpCollector, monkeypatch: pytest.MonkeyPatch, sampler: str, traced: int
) -> None:
    """As everywhere in OpenTelemetry."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    made = tracer(collector)
    (batch,) = [changes(("a", 1))[0]]
    assert sum(made.batch(batch) is not None for _ in range(300)) == traced


def test_without_a_sampler_few_batches_are_traced(collector: OtlpCollector) -> None:
    """One in a hundred: there are thousands a second."""
    made = tracer(collector)
    (batch,) = [changes(("a", 1))[0]]
    assert 0 < sum(made.batch(batch) is not None for _ in range(3000)) < 200
