"""Any connector's file becomes a config.toml that loads, or UnsupportedConnectorConfig."""

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.import_config import UnsupportedConnectorConfig
from tests.unit.import_config.factories import SECRET, imported, points, wide

_KAFKA = "org.apache.kafka.connect.transforms."
_OF_TRANSFORM = [
    "type",
    "spec",
    "fields",
    "field",
    "renames",
    "exclude",
    "predicate",
    "negate",
    "delimiter",
    "static.field",
    "static.value",
    "add.fields",
    "topic.field",
]
_KEYS = [
    *wide("record_key"),
    *points(dataSource="", tags="", field_name="", field_type=""),
    "tablestore.timeseries.mapAll", "tablestore.timeseries.rowsPerBatch",
    "tablestore.orders.columns.whitelist.name", "tablestore.orders.columns.whitelist.type",
    "name", "connector.class", "topics", "table.name.format", "topics.assign.tables",
    "tablestore.endpoint", "tablestore.instance.name", "tablestore.auth.mode", "insert.mode",
    "delete.mode", "auto.create", "buffer.size", "tasks.max", "runtime.error.mode",
    "runtime.error.tolerance", "runtime.error.topic.name", "runtime.error.table.name",
    "runtime.error.bootstrap.servers", "errors.tolerance", "errors.deadletterqueue.topic.name",
    "value.converter", "value.converter.schema.registry.url", "value.converter.schemas.enable",
    "value.converter.basic.auth.user.info", "consumer.override.sasl.jaas.config",
    "consumer.override.group.id", "consumer.override.bootstrap.servers",
    "consumer.override.client.id", "consumer.override.fetch.min.bytes",
    "transforms", "predicates", "predicates.p.type", "predicates.p.pattern",
    *(f"transforms.a.{key}" for key in _OF_TRANSFORM),
]  # fmt: skip
_VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["", " ", ",", "a", "p", "a,b", "a:b", "orders", "string", "integer,binary", "true", "none",
         "all", "kafka", "tablestore", "record_value", "search", "row", "update", "0", "-1", "7",
         "<topic>", "a.b", "${env:HOME}", "${x:y:z}", "${", "https://h", "http://[", "https://h:x",
         "timeseries", f"{_KAFKA}Cast$Value", f"{_KAFKA}Filter", f"{_KAFKA}InsertField$Key",
         f"{_KAFKA}ReplaceField$Value", f"{_KAFKA}predicates.TopicNameMatches", "a:int32", "(", "é",
         "io.confluent.connect.avro.AvroConverter", "\x00", "\x7f", '"', "\\", "\n[x]"]
    ),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=400)
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8), st.booleans())
def test_any_values_of_known_keys(values: dict[str, str], compatible: bool) -> None:
    """`imported` loads the text, and looks for secrets in what is noted."""
    values = {**values, "consumer.override.ssl.key.password": SECRET}
    with contextlib.suppress(UnsupportedConnectorConfig):
        imported(values, compatible)
