"""Starts the export that the environment asks for."""

from __future__ import annotations

import atexit
from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from connectors.otel.environment import Signal
from connectors.otel.metrics import SCOPE, MetricsPush
from connectors.otel.traces import BatchTracer
from connectors.run.context import Run
from connectors.run.flow_metrics import installed_version


def start_export(run: Run, signals: Sequence[Signal]) -> None:
    """Send these signals of a run until the process ends, when what is left is sent."""
    resource = _resource(run)
    if "metrics" in signals:
        push = MetricsPush(OTLPMetricExporter(), resource)
        push.start()
        atexit.register(push.stop)
    if "traces" in signals:
        tracer = BatchTracer(resource, BatchSpanProcessor(OTLPSpanExporter()))
        run.meters.tracer = tracer
        atexit.register(tracer.stop)


def _resource(run: Run) -> Resource:
    own = Resource(
        {
            "service.name": SCOPE,
            "service.version": installed_version(),
            "service.instance.id": str(run.meters.process),
            "sync.flow": run.flow_id,
        }
    )
    # OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win.
    return own.merge(OTELResourceDetector().detect())
