"""import-config as a whole: a plain connector, keys without a counterpart, the command."""

from pathlib import Path
from typing import Any

import pytest

from connectors import cli
from tests.unit.import_config.factories import PLAIN, SECRET, imported


def test_a_plain_connector() -> None:
    """Topics, table, instance, format and the start at the connector's own offsets."""
    made, notes = imported()
    assert made.kafka.topics == ("orders",)
    assert (made.kafka.start_group, made.kafka.start_without_offset) == (
        "connect-orders",
        "earliest",
    )
    assert made.table_of("orders") == "orders"
    rules = made.rules_of("orders")
    assert (rules.primary_key_mode, rules.insert_mode, rules.delete_mode) == (
        "kafka",
        "put",
        "none",
    )
    assert (rules.columns, rules.auto_create) == ("all", False)
    assert (made.format.value, made.format.key) == ("json", "json")
    assert made.tablestore.instance == "inst"
    assert (made.errors.tolerance, made.errors.dead_letters) == ("none", "log")
    assert "stop the connector first" in notes["name"]
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in notes["tablestore.access.key.secret"]
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID" in notes["tablestore.access.key.id"]
    assert "Java's form" in notes["value.converter"]
    assert "column `key`" in notes["primarykey.mode"]


def test_compatible_keeps_the_connectors_conversions() -> None:
    """And its key fields; what is kept is not notes as changed."""
    made, notes = imported(compatible=True)
    rules = made.rules_of("orders")
    assert (rules.conversions, rules.key_fields) == ("connector", "override")
    assert "primarykey.mode" not in notes
    rules = imported()[0].rules_of("orders")
    assert (rules.conversions, rules.key_fields) == ("exact", "none")


_ENGINE = {
    "insert.order.enable": "false",
    "buffer.size": "2048",
    "max.thread.count": "3",
    "max.concurrency": "10",
    "bucket.count": "3",
    "flush.Interval": "10000",
    "tasks.max": "3",
    "event.parse.class": "com.example.Parser",
    "header.converter": "x",
    "flush.interval": "1",
    "tablestore.orders.primarykey.names": "a",
    "tablestore.nobody.primarykey.name": "a",
    "tablestore.timeseries.mapAll": "true",
}


@pytest.mark.parametrize("key", _ENGINE)
def test_keys_without_a_counterpart_are_noted(key: str) -> None:
    """None is dropped in silence, unknown ones included."""
    assert key in imported(_ENGINE)[1]


def test_no_key_is_forgotten() -> None:
    """An unknown key, wherever it is put."""
    for prefix in (
        "",
        "tablestore.",
        "tablestore.orders.",
        "consumer.override.",
        "errors.",
        "transforms.x.",
        "value.converter.",
        "predicates.",
        "tablestore.timeseries.orders.",
        "runtime.error.",
    ):
        assert f"{prefix}never.heard.of" in imported({f"{prefix}never.heard.of": "1"})[1]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is the file alone, stderr what changes; a wrong input is 2 and prints nothing."""
    file = tmp_path / "c.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in PLAIN.items()))
    worker = tmp_path / "worker.properties"
    worker.write_text("bootstrap.servers=w:9092\nconsumer.client.rack=r\nrest.port=1\n")
    arguments: list[Any] = ["import-config", str(file), "--worker", str(worker), "--name", "other"]
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    assert 'bootstrap_servers = "w:9092"' in out
    assert "group:connect-other" in out
    assert '"client.rack" = "r"' in out
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in err
    assert SECRET not in out + err
    for broken in ("none.properties", "broken.json"):
        (tmp_path / "broken.json").write_text("{")
        assert cli.main(["import-config", str(tmp_path / broken)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert broken in err
