"""`tablestore-sync check` against the services: what it finds, and that it changes nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from connectors import cli
from tests.flows.conftest import Case
from tests.support.flow_process import environment
from tests.support.producers import send_order
from tests.support.registry import SchemaRegistry
from tests.support.store import KEY_ID, KEY_SECRET
from tests.support.wait import until

Found = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def check(
    embedded_case: Case,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Found:
    """Run the command with settings; returns its exit code, and its findings by name."""
    case = embedded_case
    monkeypatch.chdir(tmp_path)

    def run(settings: Mapping[str, Any] | None = None, *options: str) -> Any:
        whole: dict[str, dict[str, Any]] = {
            "kafka": {"bootstrap_servers": case.broker.bootstrap, "topics": [case.topic]},
            "tablestore": {"endpoint": case.store.url, "instance": case.store.instance},
        }
        for section, values in (settings or {}).items():
            whole[section] = {**whole.get(section, {}), **values}
        with monkeypatch.context() as patched:
            patched.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
            patched.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)
            for name, value in environment(whole).items():
                patched.setenv(name, value)
            code = cli.main(["check", "--json", "--timeout", "60", *options])
        printed = capsys.readouterr().out
        assert KEY_SECRET not in printed
        document = json.loads(printed)
        assert document["ok"] is (code == 0)
        return code, {one["name"]: one for one in document["checks"]}

    return run


def test_all_ticks_and_nothing_is_changed(embedded_case: Case, check: Found) -> None:
    """No row, no table, no offset, no folder: with tables, a series, and dead letters."""
    case = embedded_case
    case.orders(4)
    case.store.create_table(case.topic)
    code, found = check(
        {
            "errors": {"tolerance": "all", "dead_letters": "tablestore", "auto_create": True},
            "mapping": {"route_field": "kind", "route_tables": ["points", "later"]},
            "tables": {
                "points": {
                    "mode": "timeseries",
                    "auto_create": True,
                    "timeseries": {"measurement": "m"},
                },
                "later": {"auto_create": True},
            },
        }
    )
    assert code == 0, found
    assert {one["status"] for one in found.values()} == {"ok"}
    assert "a record was read" in found[f"topic {case.topic}"]["text"]
    assert "granted" in found[f"permission to write to {case.topic}"]["text"]
    assert case.store.rows(case.topic) == {}
    assert case.store.client.list_table() == (case.topic,)
    assert case.store.effects() == []
    assert case.committed() == {}
    assert not Path("state").exists()


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ({"kind": "no_permission", "api": "BatchWriteRow"}, "permission to write to", "grant"),
        ({"kind": "no_permission", "api": "DescribeTable"}, "table ", "grant"),
        ({"kind": "auth_failed", "api": "DescribeTable"}, "table ", "check the access key"),
        ({"kind": "server_busy", "api": "DescribeTable"}, "table ", "try again"),
    ],
)
def test_what_the_service_denies_has_its_remedy(
    embedded_case: Case, check: Found, fault: Mapping[str, str], name: str, words: str
) -> None:
    """And, where a permission is missing, the policy that grants it."""
    case = embedded_case
    case.store.create_table(case.topic)
    case.store.process.set_faults([fault])
    code, found = check()
    assert code == 1
    finding = found[f"{name.rstrip()} {case.topic}"]
    assert finding["status"] == "failed"
    assert words in finding["remedy"]
    if fault["kind"] == "no_permission":
        (statement,) = json.loads(finding["grant"])["Statement"]
        assert {"ots:BatchWriteRow", "ots:DescribeTable"} == {*statement["Action"]}
        (resource,) = statement["Resource"]
        assert resource.endswith(f"instance/{case.store.instance}/table/{case.topic}")


def test_a_time_series_table_s_permission_is_tried(embedded_case: Case, check: Found) -> None:
    """By a point that is rejected for itself; without permission the request is denied."""
    case = embedded_case
    tables = {case.topic: {"mode": "timeseries", "timeseries": {"measurement": "m"}}}
    code, found = check({"tables": tables})
    assert code == 1
    assert "auto_create" in found[f"time series table {case.topic}"]["remedy"]
    from tablestore.metadata import (
        CreateTimeseriesTableRequest,
        TimeseriesTableMeta,
        TimeseriesTableOptions,
    )

    meta = TimeseriesTableMeta(case.topic, TimeseriesTableOptions(-1))
    case.store.client.create_timeseries_table(CreateTimeseriesTableRequest(meta))
    code, found = check({"tables": tables})
    assert code == 0, found
    assert "granted" in found[f"permission to write to {case.topic}"]["text"]
    case.store.process.set_faults([{"kind": "no_permission", "api": "PutTimeseriesData"}])
    code, found = check({"tables": tables})
    assert code == 1
    assert "ots:PutTimeseriesData" in found[f"permission to write to {case.topic}"]["grant"]
    assert case.store.effects() == []


def test_tables_topics_and_dead_letters_that_do_not_fit(embedded_case: Case, check: Found) -> None:
    """Each is a finding of its own, beside those that hold."""
    case = embedded_case
    case.store.create_table(case.topic, [("other", "STRING")])
    code, found = check(
        {
            "kafka": {"topics": [case.topic, "no-such-topic"]},
            "mapping": {"topics": {"no-such-topic": "none"}},
            "errors": {"tolerance": "all", "dead_letters": "kafka"},
        }
    )
    assert code == 1
    assert "has the primary key (other string)" in found[f"table {case.topic}"]["text"]
    assert "topic_partition string" in found["table none"]["remedy"]
    assert "no such topic" in found["topic no-such-topic"]["text"]
    assert found[f"topic {case.topic}"]["status"] == "ok"
    letters = found["dead-letter topic tablestore-sync-dead-letters"]
    assert "errors.auto_create" in letters["remedy"]


def test_services_that_are_away_hide_nothing(embedded_case: Case, check: Found) -> None:
    """A broker, a registry and an instance that do not answer are three findings."""
    case = embedded_case
    send_order(case.producer, case.topic, 0, 0)
    case.producer.flush()
    away = "127.0.0.1:9"
    code, found = check(
        {
            "kafka": {"bootstrap_servers": away, "metadata_timeout": 1.0},
            "format": {"value": "avro", "registry": {"url": f"http://{away}"}},
            "tablestore": {"endpoint": f"http://{away}"},
        }
    )
    assert code == 1
    for name in ("brokers", f"registry http://{away}", "endpoint", f"table {case.topic}"):
        assert found[name]["status"] == "failed"
        assert found[name]["remedy"]
    assert found["open files"]["status"] in ("ok", "warning")
    with SchemaRegistry() as registry:
        both = f"{registry.url},http://{away}"
        _, found = check({"format": {"value": "avro", "registry": {"url": both}}})
        assert found[f"registry {registry.url}"]["status"] == "ok"
        assert found[f"registry http://{away}"]["status"] == "warning"


def test_offline_asks_nobody(embedded_case: Case, check: Found) -> None:
    """The settings alone, whatever else is away."""
    code, found = check({"kafka": {"bootstrap_servers": "127.0.0.1:9"}}, "--offline")
    assert code == 0
    assert {*found} == {"configuration", "librdkafka"}


def test_a_real_broker_names_what_is_granted(
    apache_case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of topics, the group and the topic of dead letters; so that nothing must be tried."""
    case = apache_case
    dead = case.broker.topic("dead", 1)
    whole: dict[str, dict[str, Any]] = {
        "kafka": {
            "bootstrap_servers": case.broker.bootstrap,
            "topics": [case.topic],
            "group": case.flow.group,
        },
        "tablestore": {"endpoint": case.store.url, "instance": case.store.instance},
        "table": {"auto_create": True},
        "errors": {"tolerance": "all", "dead_letters": "kafka"},
        "dead_letters": {"topic": dead},
    }
    for name, value in environment(whole).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)

    def texts() -> dict[str, str]:
        assert cli.main(["check", "--json", "--timeout", "60"]) == 0
        checks = json.loads(capsys.readouterr().out)["checks"]
        return {one["name"]: one["text"] for one in checks}

    found = texts()
    assert "Read and Describe are granted" in found[f"topic {case.topic}"]
    assert "Write and Describe are granted" in found[f"dead-letter topic {dead}"]
    client = Consumer({"bootstrap.servers": case.broker.bootstrap, "group.id": case.flow.group})
    client.commit(offsets=[TopicPartition(case.topic, 0, 0)], asynchronous=False)
    client.close()
    group = f"group {case.flow.group}"
    # While the group's coordinator is chosen, its offsets are all that can be asked for.
    until(lambda: "Read is granted" in texts()[group], lambda: texts()[group])
