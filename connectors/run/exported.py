"""The run's own metrics with their samples, for exports other than Prometheus's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import REGISTRY

from connectors.run.flow_metrics import FLOW_METRICS
from connectors.run.metrics import METRICS, MetricSpec

_BY_NAME = {spec.name.removesuffix("_total"): spec for spec in (*METRICS, *FLOW_METRICS)}


class Family(NamedTuple):
    """A metric and its samples now: (name, labels, value)."""

    spec: MetricSpec
    samples: list[tuple[str, Mapping[str, str], float]]


def families() -> Iterator[Family]:
    """Every metric of the run that has samples."""
    for metric in REGISTRY.collect():
        spec = _BY_NAME.get(metric.name)
        if spec is not None and metric.samples:
            yield Family(spec, [(one.name, one.labels, one.value) for one in metric.samples])
