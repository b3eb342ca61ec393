"""import-config of values that cannot be translated: the error names the key."""

import pytest

from connectors.import_config import UnsupportedConnectorConfig, convert
from tests.unit.import_config.factories import PLAIN, SECRET, points, wide

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
    ({"value.converter": "io.confluent.connect.avro.AvroConverter"}, "schema.registry.url"),
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
