"""import-config: what each key becomes, what is noted of it, and what is not supported."""

from pathlib import Path
from typing import Any

import pytest

from connectors import cli
from connectors.import_config import UnsupportedConnectorConfig, convert
from tests.unit.import_config.factories import PLAIN, SECRET, imported, points, wide


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


@pytest.mark.parametrize("mode", ["record_key", "record_value", "RECORD_KEY"])
def test_keys_and_columns(mode: str) -> None:
    """Names and types in their order, whatever the case and the blanks around them."""
    made, _ = imported(
        {
            "primarykey.mode": mode,
            "tablestore.orders.primarykey.name": "a, b ,c",
            "tablestore.orders.primarykey.type": "string,INTEGER, auto_increment",
            "tablestore.orders.columns.whitelist.name": "x,y,",
            "tablestore.orders.columns.whitelist.type": "double,boolean,",
        }
    )
    rules = made.rules_of("orders")
    assert rules.primary_key_mode == mode.lower()
    assert rules.key_columns == (("a", "string"), ("b", "integer"), ("c", "auto_increment"))
    assert rules.columns != "all"
    assert [(c.name, c.type) for c in rules.columns] == [("x", "double"), ("y", "boolean")]


def test_several_tables() -> None:
    """The map wins over the format; each table has its own rules."""
    made, notes = imported(
        {
            "topics": "a, b.c, d",
            "table.name.format": "t_<topic>_<topic>",
            "topics.assign.tables": "b.c:bc, zzz:other",
            "primarykey.mode": "record_value",
            **{f"tablestore.{t}.primarykey.name": f"id_{t}" for t in ("t_a_a", "bc", "t_d_d")},
            **{f"tablestore.{t}.primarykey.type": "binary" for t in ("t_a_a", "bc", "t_d_d")},
        }
    )
    assert [made.table_of(topic) for topic in made.kafka.topics] == ["t_a_a", "bc", "t_d_d"]
    for table in ("t_a_a", "bc", "t_d_d"):
        assert made.rules_of(table).key_columns == ((f"id_{table}", "binary"),)
        assert made.rules_of(table).binary_by == "utf8"
    assert "zzz" in notes["topics.assign.tables"]
    assert made.without_effect() == []


@pytest.mark.parametrize("kind", ["kafka", "local", None, "odd"])
def test_search(kind: str | None) -> None:
    """The undocumented mode, with its column of the time; an odd word is kafka there."""
    key = "tablestore.orders.search.timestamp.type"
    made, notes = imported({"primarykey.mode": "search", **({key: kind} if kind else {})})
    rules = made.rules_of("orders")
    assert [name for name, _ in rules.key_columns] == ["md5", "topic", "partition", "offset"]
    assert rules.search_timestamp == ("local" if kind == "local" else "kafka")
    assert (key in notes) == (kind == "odd")


@pytest.mark.parametrize("insert", ["put", "update", "UPDATE"])
@pytest.mark.parametrize("delete", ["none", "row", "column", "row_and_column "])
def test_insert_and_delete(insert: str, delete: str) -> None:
    """Both modes as they were; that tombstones delete now is noted."""
    made, notes = imported({**wide("record_key"), "insert.mode": insert, "delete.mode": delete})
    rules = made.rules_of("orders")
    assert (rules.insert_mode, rules.delete_mode) == (insert.lower(), delete.strip())
    assert "tombstone" in notes["delete.mode"]
    assert ("rows that should be gone" in notes["delete.mode"]) == ("row" in delete)


def test_points() -> None:
    """Every key of a time series table."""
    made, _ = imported(
        {
            **points(dataSource="ds", tags="a, b", field_name="x,y", field_type="binary,STRING"),
            "tablestore.timeseries.mapAll": "false",
            "tablestore.timeseries.toLowerCase": "false",
            "tablestore.timeseries.rowsPerBatch": "100",
            "auto.create": "TRUE",
            "primarykey.mode": "record_key",
        }
    )
    rules = made.rules_of("orders")
    series = rules.timeseries
    assert (rules.mode, rules.auto_create) == ("timeseries", True)
    assert (series.measurement_field, series.data_source_field) == ("m", "ds")
    assert (series.tags, series.time_field, series.time_unit) == (("a", "b"), "at", "ms")
    assert [(f.name, f.type) for f in series.fields] == [("x", "binary"), ("y", "string")]
    assert rules.binary_by == "utf8"
    assert (series.map_all, series.to_lower_case, series.rows_per_request) == (False, False, 100)


@pytest.mark.parametrize(
    ("unit", "ours"),
    [("SECONDS", "s"), ("milliseconds", "ms"), ("MICROSECONDS", "us"), (" NANOSECONDS", "ns")],
)
def test_time_units(unit: str, ours: str) -> None:
    """All that are documented; the topic may be the measurement."""
    series = (
        imported(points(time_unit=unit, measurement="<TOPIC>"))[0].rules_of("orders").timeseries
    )
    assert (series.time_unit, series.measurement, series.measurement_field) == (
        ours,
        "<topic>",
        None,
    )


_CONFLUENT = "io.confluent.connect"
_CONNECT = "org.apache.kafka.connect"


@pytest.mark.parametrize(
    ("converter", "word"),
    [
        (f"{_CONNECT}.json.JsonConverter", "connect_json"),
        (f"{_CONNECT}.storage.StringConverter", "string"),
        (f"{_CONNECT}.converters.ByteArrayConverter", "bytes"),
        (f"{_CONNECT}.converters.IntegerConverter", "integer"),
        (f"{_CONNECT}.converters.LongConverter", "long"),
        (f"{_CONNECT}.converters.DoubleConverter", "double"),
        (f"{_CONFLUENT}.avro.AvroConverter", "avro"),
        (f"{_CONFLUENT}.protobuf.ProtobufConverter", "protobuf"),
        (f"{_CONFLUENT}.json.JsonSchemaConverter", "json_schema"),
        ("com.example.Own", "bytes"),
    ],
)
@pytest.mark.parametrize("part", ["key", "value"])
def test_converters(part: str, converter: str, word: str) -> None:
    """Each has its format; one of a stranger is noted. Connect's JSON has envelopes by default."""
    key = f"{part}.converter"
    keys = {key: converter, f"{key}.schemas.enable": "true"}
    if word in ("avro", "protobuf", "json_schema"):
        keys |= {
            f"{key}.schema.registry.url": "https://user:pw@reg:8081,https://other",
            f"{key}.basic.auth.credentials.source": "USER_INFO",
            f"{key}.basic.auth.user.info": f"user:{SECRET}",
            f"{key}.value.subject.name.strategy": "x.TopicNameStrategy",
        }
    made, notes = imported(keys)
    assert getattr(made.format, part) == word
    if "registry" in repr(keys):
        assert made.format.registry.url == "https://reg:8081,https://other"
        assert not made.format.registry.allow_plain_http
        assert "SYNC__FORMAT__REGISTRY__PASSWORD" in notes[f"{key}.basic.auth.user.info"]
    if converter == "com.example.Own":
        assert "not moved" in notes[key]


def test_plain_http_to_other_hosts_stays_http() -> None:
    """With the option that allows it, and a note; on this host neither is needed."""
    registry = "value.converter.schema.registry.url"
    keys = {
        "tablestore.endpoint": "http://tablestore:8080",
        "value.converter": f"{_CONFLUENT}.avro.AvroConverter",
        registry: "http://a:8081, http://localhost:8082,",
    }
    made, notes = imported(keys)
    assert made.tablestore.endpoint == "http://tablestore:8080"
    assert made.format.registry.url == "http://a:8081,http://localhost:8082"
    assert made.tablestore.allow_plain_http
    assert made.format.registry.allow_plain_http
    assert "https" in notes["tablestore.endpoint"]
    assert "https" in notes[registry]
    made, notes = imported({"tablestore.endpoint": "http://127.0.0.1:1"})
    assert not made.tablestore.allow_plain_http
    assert "tablestore.endpoint" not in notes


def test_the_kafka_client() -> None:
    """consumer.override.*: properties by librdkafka's names, the login without its password."""
    login = (
        "org.apache.kafka.common.security.scram.ScramLoginModule required "
        f'username="alice" password="{SECRET}";'
    )
    given = {
        "bootstrap.servers": "b1:9092,b2:9092",
        "group.id": "own-group",
        "auto.offset.reset": "none",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": login,
        "ssl.truststore.location": "/ca.pem",
        "ssl.truststore.type": "PEM",
        "ssl.key.password": "${dir:/run/secrets:key}",
        "ssl.keystore.password": SECRET,
        "fetch.max.wait.ms": "100",
        "max.poll.records": "5000",
        "no.such": "1",
    }
    made, notes = imported({f"consumer.override.{key}": value for key, value in given.items()})
    kafka = made.kafka
    assert kafka.bootstrap_servers == "b1:9092,b2:9092"
    assert (kafka.start_group, kafka.start_without_offset) == ("own-group", "stop")
    assert kafka.properties == {
        "security.protocol": "sasl_ssl",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "ssl.ca.location": "/ca.pem",
        "fetch.wait.max.ms": 100,
    }
    assert kafka.secret_property_files == {"ssl.key.password": Path("/run/secrets/key")}
    for key in ("sasl.jaas.config", "ssl.keystore.password"):
        assert "SYNC__KAFKA__SECRET_PROPERTIES" in notes[f"consumer.override.{key}"]
    for key in ("max.poll.records", "no.such"):
        assert "not moved" in notes[f"consumer.override.{key}"]


@pytest.mark.parametrize("tolerance", ["none", "all"])
@pytest.mark.parametrize("mode", ["ignore", "kafka", "tablestore", None])
def test_errors(tolerance: str, mode: str | None) -> None:
    """The policy and where dead letters go."""
    keys = {
        "runtime.error.tolerance": tolerance,
        "runtime.error.bootstrap.servers": "b:9092",
        "runtime.error.topic.name": "dead",
        "runtime.error.table.name": "dead_table",
        **({"runtime.error.mode": mode} if mode else {}),
    }
    made, notes = imported(keys)
    assert (made.errors.tolerance, made.errors.dead_letters) == (
        tolerance,
        mode or ("ignore" if tolerance == "all" else "log"),
    )
    if mode == "kafka":
        assert made.dead_letters.topic == "dead"
        assert made.dead_letters.bootstrap_servers == "b:9092"
    if mode == "tablestore":
        assert made.dead_letters.table == "dead_table"
    assert ("runtime.error.table.name" in notes) == (mode != "tablestore")


def test_connects_own_dead_letters() -> None:
    """With all tolerated and the rest ignored, they all go to its queue: none is dropped."""
    queue = {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": "dlq",
        "errors.log.enable": "true",
    }
    made, notes = imported({**queue, "runtime.error.tolerance": "all"})
    assert (made.errors.dead_letters, made.dead_letters.topic) == ("kafka", "dlq")
    made, notes = imported(queue)
    assert made.errors.tolerance == "none"
    assert "stops at the first" in notes["errors.tolerance"]
    assert {*queue} <= {*notes}


@pytest.mark.parametrize("mode", ["sts", "STS"])
def test_sts_is_noted(mode: str) -> None:
    """With what to do instead; every key of it is named."""
    of_sts = {
        "region": "cn-hangzhou",
        "account.id": "1",
        "role.name": "r",
        "sts.endpoint": "s",
        "client.time.out.ms": "1",
    }
    _, notes = imported({"tablestore.auth.mode": mode, **of_sts})
    assert "security_token_file" in notes["tablestore.auth.mode"]
    assert {*of_sts} <= {*notes}


def test_secrets_of_config_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A placeholder is named, a file of its own is read from, other values are filled in."""
    monkeypatch.setenv("MY_INSTANCE", "inst-2")
    made, notes = imported(
        {
            "tablestore.access.key.id": "${env:MY_ID}",
            "tablestore.access.key.secret": "${dir:/run/secrets:ots}",
            "tablestore.instance.name": "${env:MY_INSTANCE}",
            "tablestore.endpoint": "${vault:secret/x:endpoint}",
        }
    )
    assert made.tablestore.access_key_secret_file == Path("/run/secrets/ots")
    assert made.tablestore.instance == "inst-2"
    assert "$MY_ID" in notes["tablestore.access.key.id"]
    assert "SYNC__TABLESTORE__ENDPOINT" in notes["tablestore.endpoint"]
    with pytest.raises(UnsupportedConnectorConfig, match=r"topics: the placeholder"):
        convert({**PLAIN, "topics": "${file:/none:topics}"})


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
    """A key that nobody ever heard of, wherever it is put."""
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


_WRONG: list[tuple[dict[str, str], str]] = [
    ({"topics": " "}, "topics"),
    ({"topics": "a-b"}, "table.name.format"),
    ({"topics": "a,,b"}, "topics"),
    ({"topics.assign.tables": "orders"}, "topics.assign.tables"),
    ({"topics.assign.tables": "orders:a-b"}, "topics.assign.tables"),
    ({"tablestore.endpoint": "inst.aliyuncs.com"}, "tablestore.endpoint"),
    ({"tablestore.endpoint": "https://h:port"}, "tablestore.endpoint"),
    ({"tablestore.instance.name": ""}, "tablestore.instance.name"),
    ({"tablestore.mode": "other"}, "tablestore.mode"),
    ({"tablestore.auth.mode": "ram"}, "tablestore.auth.mode"),
    ({"connector.class": "io.example.JdbcSink"}, "connector.class"),
    ({"primarykey.mode": "key"}, "primarykey.mode"),
    ({"primarykey.mode": "record_key"}, "tablestore.orders.primarykey.name"),
    ({**wide("record_key"), "tablestore.orders.primarykey.name": "a,b"}, "primarykey.type"),
    ({**wide("record_key"), "tablestore.orders.primarykey.type": "text"}, "primarykey.type"),
    (
        {**wide("record_key"), "tablestore.orders.primarykey.type": "auto_increment"},
        "primarykey.type",
    ),
    ({**wide("record_key"), "tablestore.orders.primarykey.name": "a,a"}, "primarykey.name"),
    ({**wide("record_key"), "tablestore.orders.primarykey.name": "a-b"}, "primarykey.name"),
    ({"tablestore.orders.columns.whitelist.name": ""}, "columns.whitelist.name: is blank"),
    ({"tablestore.orders.columns.whitelist.name": " , "}, "columns.whitelist.name: is blank"),
    ({"tablestore.orders.columns.whitelist.name": "a"}, "columns.whitelist.type"),
    (
        {
            "tablestore.orders.columns.whitelist.name": "offset",
            "tablestore.orders.columns.whitelist.type": "string",
        },
        "columns.whitelist.name",
    ),
    ({"insert.mode": "upsert"}, "insert.mode"),
    ({"delete.mode": "row"}, "delete.mode"),
    ({"delete.mode": "all"}, "delete.mode"),
    ({"auto.create": "yes"}, "auto.create"),
    ({"buffer.size": "1000"}, "buffer.size"),
    ({"bucket.count": "0"}, "bucket.count"),
    ({"max.concurrency": "many"}, "max.concurrency"),
    ({"tasks.max": "0"}, "tasks.max"),
    ({"runtime.error.tolerance": "some"}, "runtime.error.tolerance"),
    ({"runtime.error.mode": "kafka"}, "runtime.error.topic.name"),
    ({"runtime.error.mode": "tablestore"}, "runtime.error.table.name"),
    (points(time_unit="DAYS"), "time.unit"),
    (points(time_unit="weeks"), "time.unit"),
    (points(measurement=""), "measurement"),
    (points(field_name="a"), "field.type"),
    (points(field_name="a,A", field_type="string,string"), "field.name"),
    (points(field_name="at", field_type="integer"), "field.name"),
    ({**points(), "tablestore.timeseries.mapAll": "false"}, "field.name"),
    (points(field_name="a-b", field_type="integer"), "field.name"),
    (
        {
            **points(field_name="A", field_type="integer"),
            "tablestore.timeseries.toLowerCase": "false",
        },
        "field.name",
    ),
    ({**points(), "tablestore.timeseries.rowsPerBatch": "x"}, "rowsPerBatch"),
    ({"value.converter": f"{_CONFLUENT}.avro.AvroConverter"}, "schema.registry.url"),
    ({"transforms": "a"}, "transforms.a.type"),
    ({"name": " "}, "name"),
    ({"consumer.override.isolation.level": "dirty"}, "isolation.level"),
]


@pytest.mark.parametrize(("values", "word"), _WRONG, ids=lambda item: str(item)[:60])
def test_impossible_values_are_not_supported(values: dict[str, str], word: str) -> None:
    """The text names the key; it is no Python error and holds no secret."""
    with pytest.raises(UnsupportedConnectorConfig, match=word) as caught:
        convert({**PLAIN, **values})
    assert SECRET not in str(caught.value)


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
