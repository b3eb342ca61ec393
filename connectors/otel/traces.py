"""A trace for each batch that the sampler chooses: a span of the batch, one for each request."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from connectors.otel.metrics import SCOPE
from connectors.records import Segment, count_of, size_of

# Of the batches, where OTEL_TRACES_SAMPLER says nothing: there are thousands a second.
_SHARE = 0.01
_MAX_SOURCES = 20  # of a batch, that are named


class BatchTracer:
    """Traces sampled batches and their requests, and sends the spans to a collector."""

    def __init__(self, resource: Resource, processor: SpanProcessor) -> None:
        sampler = None if os.environ.get("OTEL_TRACES_SAMPLER") else ParentBasedTraceIdRatio(_SHARE)
        # The provider is ours alone: a program that embeds the flow has its own.
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SCOPE)

    def batch(self, segments: Sequence[Segment]) -> TracedBatch | None:
        """As `Tracer`."""
        span = self._tracer.start_span("write batch", kind=SpanKind.INTERNAL)
        return TracedBatch(self._tracer, span, segments) if span.is_recording() else None

    def stop(self) -> None:
        """Send the spans that have not been sent, and stop."""
        self._provider.shutdown()


class TracedBatch:
    """A batch whose span is recorded. Its attributes are coordinates and numbers, no values."""

    def __init__(self, tracer: trace.Tracer, span: Span, segments: Sequence[Segment]) -> None:
        self._tracer = tracer
        self._span = span
        self._context = trace.set_span_in_context(span)
        sources = [
            f"{one.topic}:{one.partition}@{one.offsets[0]}-{one.offsets[-1]}"
            for one in segments[:_MAX_SOURCES]
        ]
        span.set_attributes(
            {
                "sync.tables": sorted({one.table for one in segments}),
                "sync.rows": sum(map(count_of, segments)),
                "sync.bytes": sum(map(size_of, segments)),
                "sync.sources": sources,
            }
        )

    def request(
        self, tables: Sequence[str], code: str, rows: int, size: int, seconds: float
    ) -> None:
        """As `BatchSpan`."""
        end = time.time_ns()
        span = self._tracer.start_span(
            "request",
            context=self._context,
            kind=SpanKind.CLIENT,
            start_time=end - int(seconds * 1e9),
            attributes={
                "db.system.name": "alibaba.tablestore",
                "db.response.status_code": code,
                "sync.tables": list(tables),
                "sync.rows": rows,
                "sync.bytes": size,
            },
        )
        if code != "OK":
            span.set_status(Status(StatusCode.ERROR, code))
        span.end(end)

    def end(self, error: BaseException | None) -> None:
        """As `BatchSpan`."""
        if error is not None:
            # Its text is in the log; here it would leave the machine.
            self._span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        self._span.end()
