"""An OpenTelemetry collector of one process: it keeps what it is sent, over HTTP as protobuf."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.support.http_service import HttpService, QuietHandler


class SpanSeen(NamedTuple):
    """A span that the collector has received."""

    name: str
    id: bytes
    parent: bytes
    seconds: float
    attributes: dict[str, Any]
    is_error: bool

    @property
    def rows(self) -> int:
        """How many rows it says that it has."""
        return int(self.attributes["sync.rows"])


class OtlpCollector(HttpService):
    """`url` is for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self) -> None:
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.traces: list[ExportTraceServiceRequest] = []
        super().__init__(self._handler())

    def sums(self, name: str) -> dict[str, int]:
        """The last values of a counter without labels, by number of the process."""
        found: dict[str, int] = {}
        for request in self.metrics:
            for resource in request.resource_metrics:
                process = attributes(resource.resource.attributes)["service.instance.id"]
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        if metric.name == name:
                            (point,) = metric.sum.data_points
                            found[process] = point.as_int or int(point.as_double)
        return found

    def spans(self, name: str) -> Iterator[SpanSeen]:
        """The spans with this name."""
        for request in [*self.traces]:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        if span.name == name:
                            yield SpanSeen(
                                span.name,
                                span.span_id,
                                span.parent_span_id,
                                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                                attributes(span.attributes),
                                span.status.code == span.status.STATUS_CODE_ERROR,
                            )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(QuietHandler):
            def do_POST(self) -> None:  # noqa: N802 - its base has the name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path == "/v1/metrics":
                    collector.metrics.append(ExportMetricsServiceRequest.FromString(body))
                elif self.path == "/v1/traces":
                    collector.traces.append(ExportTraceServiceRequest.FromString(body))
                self.answer(200, b"")

        return Handler


def attributes(pairs: Any) -> dict[str, Any]:
    """The attributes of a span as a plain dict."""
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    kind = pair.value.WhichOneof("value")
    if kind == "array_value":
        return [each.string_value for each in pair.value.array_value.values]
    return getattr(pair.value, kind or "string_value")
