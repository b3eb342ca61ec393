"""Names that may never change, because data and tools outside of this repository hold them.

- Step names, flow names and the recovery folder's manifest: rows wait under them in the folders of
  users. Bytewax drops the state of a step that it no longer finds, without an error.
- Headers and constant strings of dead letters, and the columns of their table: they stay in topics
  and tables for years, and replays and tools of users read them.
- Metrics: dashboards and alerts ask for them by name.
- Options: they stand in configuration files and in the environment of deployments. An option may
  get a new name; its old one is read for ever.

So they stand here as texts, and not as constants of the code. When a test here fails, undo the
change of the code: what follows a new name here is lost data.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest

from connectors import steps
from connectors.dead_letters import headers
from connectors.errors import ConfigError
from connectors.records import DeadLetter
from connectors.records.dead_letter import Stage
from connectors.replay.adapt_settings import flow_id
from connectors.run.context import Run
from connectors.settings.loading import load
from connectors.tablestore import dead_letter_sink
from tests.support.release import FIXTURES
from tests.unit.factories import settings

OPTIONS = [
    pytest.param(option, id=f"{folder.name}-{option['option']}")
    for folder in sorted(FIXTURES.glob("release-*"))
    for option in map(json.loads, (folder / "options.jsonl").read_text().splitlines())
]


def test_step_names() -> None:
    """Renaming a step orphans the rows that wait under its name in a recovery folder."""
    assert steps.STEPS_WITH_STATE == ("read", "window", "write")


def test_flow_names() -> None:
    """They are the first half of each step's id."""
    from flows import sync

    assert sync.FLOW_ID == "sync"
    assert flow_id(settings()) == "replay"
    assert flow_id(settings(errors={"dead_letters": "tablestore"})) == "replay_table"


def test_header_names() -> None:
    """A replay knows a dead letter by these twelve headers at its end, in this order."""
    assert headers.BLOCK == (
        "__connect.errors.topic",
        "__connect.errors.partition",
        "__connect.errors.offset",
        "__connect.errors.connector.name",
        "__connect.errors.stage",
        "__connect.errors.class.name",
        "__connect.errors.exception.class.name",
        "__connect.errors.exception.message",
        "__tablestore_sync.stage",
        "__tablestore_sync.code",
        "__tablestore_sync.timestamp",
        "__tablestore_sync.replays",
    )


@pytest.mark.parametrize(
    ("stage", "code", "connect_stage", "class_name", "exception"),
    [
        ("decode", "x", "VALUE_CONVERTER", "decode", "Rejection"),
        ("decode", "key_x", "KEY_CONVERTER", "decode", "Rejection"),
        ("transform", "x", "TRANSFORMATION", "transform", "Rejection"),
        ("map", "x", "TASK_PUT", "map", "Rejection"),
        ("write", "x", "TASK_PUT", "write", "RowRefused"),
    ],
)
def test_header_values(
    stage: Stage, code: str, connect_stage: str, class_name: str, exception: str
) -> None:
    """Tools select by these; they are no paths of modules, which a refactoring changes."""
    dead_letter = DeadLetter("orders", 3, 7, stage, code, "why", (5, b"k", b"v", ()))
    block = dict(headers.headers_of(dead_letter, "group"))
    assert block == {
        "__connect.errors.topic": b"orders",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"7",
        "__connect.errors.connector.name": b"group",
        "__connect.errors.stage": connect_stage.encode(),
        "__connect.errors.class.name": f"tablestore_sync.{class_name}".encode(),
        "__connect.errors.exception.class.name": f"tablestore_sync.{exception}".encode(),
        "__connect.errors.exception.message": b"why",
        "__tablestore_sync.stage": stage.encode(),
        "__tablestore_sync.code": code.encode(),
        "__tablestore_sync.timestamp": b"5",
        "__tablestore_sync.replays": b"0",
    }


def test_header_values_are_documented() -> None:
    """docs/operations.md lists the strings that tools may select by."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text("utf-8")
    for name in ("decode", "transform", "map", "write", "Rejection", "RowRefused"):
        assert f"`tablestore_sync.{name}`" in page
    for name in headers.BLOCK:
        assert f"`{name}`" in page


def test_columns_of_the_dead_letter_table() -> None:
    """A replay from the table, and queries of users, read these columns."""
    original = (5, b"k", b"v" * 3_000_000, (("h", b"1"), (headers.REPLAYS, b"2")))
    dead_letter = DeadLetter("orders", 3, 7, "map", "key_missing", "why", original)
    columns: dict[str, Any] = dict(dead_letter_sink.dead_letter_columns(dead_letter))
    assert set(columns) == {
        *("topic", "partition", "stage", "code", "reason", "replays", "timestamp"),
        *("key", "value_1", "value_2", "headers"),
    }
    assert json.loads(columns["headers"]) == [["h", "MQ=="]]


def test_metric_names() -> None:
    """Prometheus's names, with the suffix that counters get."""
    run = Run("sync", settings(), None)
    dead_letter = DeadLetter("orders", 3, 7, "map", "key_missing", "why")
    run.counts.reject([dead_letter], "log")
    lines = generate_latest().decode().splitlines()
    names = {line.split()[2] for line in lines if line.startswith("# TYPE sync_")}
    assert names == {
        "sync_records_read_total",
        "sync_records_written_total",
        "sync_records_rejected_total",
        "sync_records_filtered_total",
        "sync_records_added_total",
        "sync_records_resumed_total",
        "sync_records_retried_total",
        "sync_records_unbalanced_total",
        "sync_records_in_flight",
        "sync_rejections_total",
        "sync_topics_waiting",
        "sync_partitions_stalled",
        "sync_table_rows_total",
        "sync_table_bytes_total",
        "sync_table_requests_total",
        "sync_request_duration_seconds",
        "sync_batch_fill_ratio",
        "sync_requests_in_flight",
        "sync_shards_busy",
        "sync_shards_waiting",
        "sync_dead_letters_total",
        "sync_partition_lag_records",
        "sync_partition_lag_seconds",
        "sync_partition_end_offset",
        "sync_partition_read_offset",
        "sync_partition_durable_offset",
        "sync_snapshots_total",
        "sync_snapshot_age_seconds",
        "sync_restarts_total",
        "sync_prefetch_bytes",
        "sync_prefetch_limit_bytes",
        "sync_wait_seconds",
        "sync_draining",
        "sync_healthy",
        "sync_ready",
        "sync_build_info",
        "sync_throttled_requests_total",
        "sync_throttle_wait_seconds_total",
        "sync_throttle_limit_requests",
        "sync_throttle_limit_rows_per_second",
        "sync_drift_fields_total",
    }
    labels = '{code="key_missing",destination="log",stage="map"}'
    assert any(line.startswith(f"sync_rejections_total{labels} ") for line in lines)


@pytest.mark.parametrize("option", OPTIONS)
def test_options(
    option: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every option of every release is read, from the environment, and has an effect."""
    section, name = option["option"].split(".")
    topics = "" if option["option"] == "kafka.topics_pattern" else 'topics = ["orders"]\n'
    file = tmp_path / "config.toml"
    own = "" if section == "kafka" else f"[{section}]\n"
    file.write_text(f"[kafka]\n{topics}{own}{option['needs']}")
    try:
        before: Any = load(file)
    except ConfigError:
        before = None  # it is what kafka.topics_pattern needs
    monkeypatch.setenv(f"SYNC__{section}__{name}".upper(), option["value"])
    assert load(file) != before


@pytest.mark.parametrize("folder", sorted(FIXTURES.glob("release-*")), ids=lambda path: path.name)
def test_nested_options(folder: Path) -> None:
    """Options of time series, declared columns and transforms, and whole files of releases."""
    for name in ("nested-options.toml", "config.toml"):
        assert load(folder / name).kafka.topics
