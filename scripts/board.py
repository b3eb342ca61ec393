"""The Grafana board, made of a list of panels."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_HEIGHT = 8


class Panel(NamedTuple):
    """A panel: its queries with their legends. `unit` is Grafana's name of it."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    about: str = ""
    kind: str = "timeseries"
    width: int = 8


# Of the processes that were chosen above the board.
_JOB = '{job=~"$job"}'
_DURATIONS = f"rate(sync_request_duration_seconds_bucket{_JOB}[$__rate_interval])"
_FILL = 'rate(sync_batch_fill_ratio_{}{{job=~"$job"}}[$__rate_interval])'

PANELS = (
    Panel("Ready", "short", ((f"min(sync_ready{_JOB})", ""),), "1 while /ready is 200", "stat", 3),
    Panel("Healthy", "short", ((f"min(sync_healthy{_JOB})", ""),), "", "stat", 3),
    Panel(
        "Written",
        "ops",
        ((f"sum(rate(sync_records_written_total{_JOB}[$__rate_interval]))", ""),),
        "Records a second",
        "stat",
        5,
    ),
    Panel(
        "Oldest record not durable",
        "s",
        ((f"max(sync_partition_lag_seconds{_JOB})", ""),),
        "",
        "stat",
        5,
    ),
    Panel("Last snapshot", "s", ((f"max(sync_snapshot_age_seconds{_JOB})", ""),), "", "stat", 4),
    Panel(
        "Rejected in an hour",
        "short",
        ((f"sum(increase(sync_records_rejected_total{_JOB}[1h]))", ""),),
        "",
        "stat",
        4,
    ),
    Panel(
        "Records a second",
        "ops",
        tuple(
            (f"sum(rate(sync_records_{name}_total{_JOB}[$__rate_interval]))", name)
            for name in ("read", "written", "rejected", "filtered", "added")
        ),
        width=12,
    ),
    Panel(
        "Lag in records",
        "short",
        ((f"sum by (topic) (sync_partition_lag_records{_JOB})", "{{topic}}"),),
        "From the durable offset to the end of each partition",
        width=12,
    ),
    Panel(
        "Lag in time, worst partition",
        "s",
        ((f"max by (topic) (sync_partition_lag_seconds{_JOB})", "{{topic}}"),),
    ),
    Panel(
        "Waiting for",
        "s",
        (
            (
                f"max by (service, subject, code) (sync_wait_seconds{_JOB})",
                "{{service}} {{subject}} {{code}}",
            ),
        ),
        "Throttled tables, a registry or brokers that are away",
    ),
    Panel(
        "Partitions that are stalled, topics that wait",
        "short",
        (
            (f"sum(sync_partitions_stalled{_JOB})", "partitions"),
            (f"max(sync_topics_waiting{_JOB})", "topics"),
        ),
    ),
    Panel(
        "Rows a second by table",
        "ops",
        (
            (
                f"sum by (table, outcome) (rate(sync_table_rows_total{_JOB}[$__rate_interval]))",
                "{{table}} {{outcome}}",
            ),
        ),
    ),
    Panel(
        "Bytes a second by table",
        "Bps",
        (
            (
                f"sum by (table) (rate(sync_table_bytes_total{_JOB}[$__rate_interval]))",
                "{{table}}",
            ),
        ),
    ),
    Panel(
        "Requests a second by code",
        "ops",
        (
            (
                f"sum by (code) (rate(sync_table_requests_total{_JOB}[$__rate_interval]))",
                "{{code}}",
            ),
        ),
    ),
    Panel(
        "Duration of requests",
        "s",
        tuple(
            (
                f"histogram_quantile({share}, sum by (le) ({_DURATIONS}))",
                name,
            )
            for share, name in ((0.5, "median"), (0.99, "99 %"))
        ),
    ),
    Panel(
        "How full batches are",
        "percentunit",
        (
            (
                " / ".join(f"sum({_FILL.format(part)})" for part in ("sum", "count")),
                "mean",
            ),
        ),
    ),
    Panel(
        "Requests and shards",
        "short",
        (
            (f"sum(sync_requests_in_flight{_JOB})", "requests in flight"),
            (f"sum(sync_shards_busy{_JOB})", "shards busy"),
            (f"sum(sync_shards_waiting{_JOB})", "shards waiting"),
        ),
    ),
    Panel(
        "Throttled requests a second",
        "ops",
        (
            (
                f"sum by (table) (rate(sync_throttled_requests_total{_JOB}[$__rate_interval]))",
                "{{table}}",
            ),
        ),
    ),
    Panel(
        "What throttled tables take",
        "short",
        (
            (
                f"sum by (table) (sync_throttle_limit_rows_per_second{_JOB})",
                "{{table}} rows a second",
            ),
            (f"sum by (table) (sync_throttle_limit_requests{_JOB})", "{{table}} requests"),
        ),
        "0: no limit",
    ),
    Panel(
        "Batches that wait for their turn",
        "short",
        (
            (
                f"sum by (table) (rate(sync_throttle_wait_seconds_total{_JOB}[$__rate_interval]))",
                "{{table}}",
            ),
        ),
    ),
    Panel(
        "Fields that appeared, vanished or changed, in an hour",
        "short",
        (
            (
                f"sum by (topic, kind) (increase(sync_drift_fields_total{_JOB}[1h]))",
                "{{topic}} {{kind}}",
            ),
        ),
    ),
    Panel(
        "Rejections in five minutes",
        "short",
        (
            (
                f"sum by (stage, code) (increase(sync_rejections_total{_JOB}[5m]))",
                "{{stage}} {{code}}",
            ),
        ),
    ),
    Panel(
        "Dead letters in five minutes",
        "short",
        (
            (
                f"sum by (destination) (increase(sync_dead_letters_total{_JOB}[5m]))",
                "{{destination}}",
            ),
        ),
    ),
    Panel(
        "Rows sent again",
        "ops",
        ((f"sum(rate(sync_records_retried_total{_JOB}[$__rate_interval]))", "rows a second"),),
    ),
    Panel(
        "Memory",
        "bytes",
        (
            (f"process_resident_memory_bytes{_JOB}", "resident {{process}}"),
            (f"sync_prefetch_bytes{_JOB}", "read ahead {{process}}"),
            (f"max(sync_prefetch_limit_bytes{_JOB})", "bound of reading ahead"),
        ),
    ),
    Panel(
        "Snapshots",
        "s",
        ((f"max(sync_snapshot_age_seconds{_JOB})", "age of the last"),),
    ),
    Panel(
        "Restarts in an hour, imbalances",
        "short",
        (
            (f"max(increase(sync_restarts_total{_JOB}[1h]))", "restarts"),
            (f"sum(increase(sync_records_unbalanced_total{_JOB}[1h]))", "imbalances"),
        ),
    ),
)


def board() -> str:
    """docker/monitoring/board.json."""
    panels: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(PANELS, 1):
        height = 4 if panel.kind == "stat" else _HEIGHT
        if x + panel.width > 24:
            x, y = 0, y + (panels[-1]["gridPos"]["h"])
        panels.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height}))
        x += panel.width
    document = {
        "uid": "tablestore-sync",
        "title": "Kafka to Tablestore",
        "tags": ["kafka", "tablestore"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": [_data_source(), _jobs()]},
        "panels": panels,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _data_source() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}


def _jobs() -> dict[str, Any]:
    query = "label_values(sync_build_info, job)"
    return {
        "name": "job",
        "label": "Job",
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": "jobs"},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": number,
        "title": panel.title,
        "description": panel.about,
        "type": panel.kind,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": _SOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for at, (expression, legend) in enumerate(panel.queries)
        ],
    }
    if panel.kind == "stat":
        made["options"] = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area"}
    else:
        made["options"] = {"legend": {"displayMode": "list", "placement": "bottom"}}
    return made
