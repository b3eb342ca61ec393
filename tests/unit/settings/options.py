"""Every option with two legal values, one as the environment writes it and one as the file does.

`test_options` fails when an option is missing here, so a new option cannot go untested.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from connectors.settings import Settings
from connectors.settings.formats import RegistrySettings
from connectors.settings.mapping import Replacement
from connectors.settings.section import Section
from connectors.settings.tables import Column, KeyColumn, TableSettings
from connectors.settings.timeseries import TimeseriesSettings


class Option(NamedTuple):
    """`variable` gives `value`; `toml` is another legal value; `needs` is set along with it."""

    variable: str
    value: Any
    toml: str
    needs: str = ""


_KEY = 'primary_key_mode = "record_key"\n'
_KEYS = 'primary_key = [{ name = "k" }]\n'

OPTIONS = {
    "kafka.bootstrap_servers": Option("b1:1,b2:2", "b1:1,b2:2", '"file:9092"'),
    "kafka.topics": Option('["a", "b"]', ("a", "b"), '["file"]'),
    "kafka.topics_pattern": Option("shop.*", "shop.*", '"file.*"'),
    "kafka.group": Option("readers", "readers", '"file"'),
    "kafka.start": Option("latest", "latest", '"2026-01-31T08:00:00Z"'),
    "kafka.start_without_offset": Option("stop", "stop", '"latest"'),
    "kafka.lost_offset": Option("latest", "latest", '"earliest"'),
    "kafka.oauth_function": Option(
        "my.tokens:token",
        "my.tokens:token",
        '"file.tokens:token"',
        'properties = { "sasl.mechanism" = "OAUTHBEARER" }\n',
    ),
    "kafka.topic_without_table": Option("stop", "stop", '"wait"'),
    "kafka.unreadable_batch": Option("skip", "skip", '"stop"'),
    "kafka.stalled_after": Option("7.5", 7.5, "8"),
    "kafka.discovery_interval": Option("7.5", 7.5, "8"),
    "kafka.metadata_timeout": Option("2", 2.0, "3.5"),
    "kafka.chunk_messages": Option("17", 17, "18"),
    "kafka.prefetch_mib": Option("0.5", 0.5, "1"),
    "kafka.properties": Option(
        '{"client.id": "env"}', {"client.id": "env"}, '{ "client.id" = "file" }'
    ),
    "kafka.secret_properties": Option(
        '{"sasl.password": "env"}', {"sasl.password": SecretStr("env")}, ""
    ),
    "kafka.secret_property_files": Option(
        '{"sasl.password": "/env"}',
        {"sasl.password": Path("/env")},
        '{ "sasl.password" = "/file" }',
    ),
    "tablestore.endpoint": Option("https://env.example", "https://env.example", '"https://file"'),
    "tablestore.instance": Option("env-1", "env-1", '"file-1"'),
    "tablestore.region": Option("cn-env", "cn-env", '"cn-file"'),
    "tablestore.access_key_id_file": Option("/env", Path("/env"), '"/file"'),
    "tablestore.access_key_secret_file": Option("/env", Path("/env"), '"/file"'),
    "tablestore.security_token_file": Option("/env", Path("/env"), '"/file"'),
    "tablestore.credentials": Option("oidc", "oidc", '"uri"'),
    "tablestore.credentials_role": Option(
        "role", "role", '"other"', 'credentials = "ecs_ram_role"\n'
    ),
    "tablestore.allow_plain_http": Option("true", True, "false"),
    "tablestore.proxy_from_environment": Option("false", False, "true"),
    "tablestore.timeout": Option("1.5", 1.5, "2"),
    "tablestore.retry_initial": Option("0.2", 0.2, "0.3"),
    "tablestore.retry_max": Option("9", 9.0, "8.5"),
    "tablestore.queue": Option("3", 3, "4"),
    "tablestore.ready_timeout": Option("5", 5.0, "6"),
    "tablestore.timeseries_encoding": Option("protobuf", "protobuf", '"flatbuffers"'),
    "format.value": Option("string", "string", '"my.module:decode"'),
    "format.key": Option("long", "long", '"connect_json"'),
    "format.max_bytes": Option("5", 5, "6"),
    "format.value_schema_file": Option(
        "a.avsc", Path("a.avsc"), '"b.avsc"', 'value = "raw_avro"\n'
    ),
    "format.key_schema_file": Option("a.avsc", Path("a.avsc"), '"b.avsc"', 'key = "raw_avro"\n'),
    "format.json_schema_validation": Option(
        "true", True, "false", 'value = "json_schema"\nregistry = { url = "https://a" }\n'
    ),
    "format.value_message": Option(
        "a.B", "a.B", '"c.D"', 'value = "raw_protobuf"\nvalue_schema_file = "f"\n'
    ),
    "format.key_message": Option(
        "a.B", "a.B", '"c.D"', 'key = "raw_protobuf"\nkey_schema_file = "f"\n'
    ),
    "format.registry": Option(
        '{"url": "https://a"}', RegistrySettings(url="https://a"), '{ url = "https://b" }'
    ),
    "mapping.table_name": Option("env_<topic>", "env_<topic>", '"file_<topic>"'),
    "mapping.topics": Option('{"orders": "env"}', {"orders": "env"}, '{ orders = "file" }'),
    "mapping.prefixes": Option('{"a.": "env"}', {"a.": "env"}, '{ "a." = "file" }'),
    "mapping.last_part": Option("true", True, "false"),
    "mapping.replace": Option(
        '[{"pattern": "-", "by": "env"}]',
        (Replacement(pattern="-", by="env"),),
        '[{ pattern = "[.]", by = "file" }]',
    ),
    "mapping.lower_case": Option("true", True, "false"),
    "mapping.route_field": Option("kind", "kind", '"a.b"', 'route_tables = ["x"]\n'),
    "mapping.route_header": Option("kind", "kind", '"table"', 'route_tables = ["x"]\n'),
    "mapping.route_tables": Option('["x", "y"]', ("x", "y"), '["file"]'),
    "mapping.route_missing": Option(
        "reject", "reject", '"topic"', 'route_field = "a"\nroute_tables = ["x"]\n'
    ),
    "table.key_fields": Option("fill", "fill", '"override"'),
    "table.binary_text": Option("hex", "hex", '"utf8"'),
    "table.decimals": Option("double", "double", '"integer"'),
    "table.decimal_scale": Option("2", 2, "3", 'decimals = "integer"\n'),
    "table.times": Option("iso8601", "iso8601", '"epoch"'),
    "table.nested": Option("flatten", "flatten", '"json"'),
    "table.separator": Option("__", "__", '"_x_"', 'nested = "flatten"\n'),
    "table.column_names": Option("rewrite", "rewrite", '"reject"'),
    "table.conversions": Option("connector", "connector", '"exact"'),
    "table.mode": Option("timeseries", "timeseries", '"wide_column"'),
    "table.timeseries": Option(
        '{"time_field": "t"}',
        TimeseriesSettings(time_field="t"),
        '{ time_field = "file" }',
        'mode = "timeseries"\n',
    ),
    "table.primary_key_mode": Option(
        "record_value", "record_value", '"record_key"', 'primary_key = [{ name = "k" }]\n'
    ),
    "table.primary_key": Option(
        '[{"name": "k", "type": "integer"}]',
        (KeyColumn(name="k", type="integer"),),
        '[{ name = "file" }]',
        _KEY,
    ),
    "table.columns": Option(
        '[{"name": "c", "type": "double"}]',
        (Column(name="c", type="double"),),
        '[{ name = "file", type = "string" }]',
    ),
    "table.search_timestamp": Option("kafka", "kafka", '"local"', 'primary_key_mode = "search"\n'),
    "table.insert_mode": Option("update", "update", '"put"'),
    "table.delete_mode": Option(
        "row", "row", '"column"', f'primary_key_mode = "record_key"\n{_KEYS}'
    ),
    "table.version": Option("record_timestamp", "record_timestamp", '"none"'),
    "table.version_field": Option("a.b", "a.b", '"c"', 'version = "field"\n'),
    "table.version_unit": Option("s", "s", '"iso8601"', 'version = "field"\nversion_field = "f"\n'),
    "table.max_version_deviation": Option("90000", 90000, "100000"),
    "table.rows_per_second": Option("1500", 1500.0, "0.5"),
    "table.capacity_units_per_second": Option("2500", 2500.0, "7.5"),
    "table.auto_create": Option("true", True, "false"),
    "table.time_to_live": Option("86400", 86400, "90000"),
    "table.max_versions": Option("5", 5, "6"),
    "window.rows": Option("7", 7, "8"),
    "window.bytes": Option("2048", 2048, "4096"),
    "window.age": Option("0.25", 0.25, "0.5"),
    "window.shards": Option("3", 3, "4"),
    "errors.tolerance": Option("all", "all", '"none"'),
    "errors.dead_letters": Option("ignore", "ignore", '"log"'),
    "errors.max_rejected": Option("5", 5, "6"),
    "errors.max_rejected_share": Option("0.5", 0.5, "0.25"),
    "errors.max_rejected_window": Option("50", 50, "60"),
    "errors.auto_create": Option("true", True, "false"),
    "errors.log_payload": Option("true", True, "false"),
    "dead_letters.topic": Option("dead-env", "dead-env", '"dead-file"'),
    "dead_letters.partitions": Option("3", 3, "4"),
    "dead_letters.bootstrap_servers": Option("b1:1", "b1:1", '"file:9092"'),
    "dead_letters.properties": Option(
        '{"client.id": "env"}', {"client.id": "env"}, '{ "client.id" = "file" }'
    ),
    "dead_letters.secret_properties": Option(
        '{"sasl.password": "env"}', {"sasl.password": SecretStr("env")}, ""
    ),
    "dead_letters.secret_property_files": Option(
        '{"sasl.password": "/env"}',
        {"sasl.password": Path("/env")},
        '{ "sasl.password" = "/file" }',
    ),
    "dead_letters.table": Option("dead_env", "dead_env", '"dead_file"'),
    "backfill.topics": Option('["a"]', ("a",), '["file"]'),
    "backfill.since": Option(
        "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00", '"2026-02-01T00:00:00+01:00"'
    ),
    "backfill.until": Option(
        "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00", '"2026-02-01T00:00:00+01:00"'
    ),
    "backfill.partition": Option("3", 3, "4"),
    "backfill.first_offset": Option("5", 5, "6", "partition = 1\n"),
    "backfill.last_offset": Option("5", 5, "6", "partition = 1\n"),
    "backfill.rate": Option("0.5", 0.5, "10"),
    "replay.source": Option("table", "table", '"topic"'),
    "replay.target": Option("topic", "topic", '"tables"'),
    "replay.topics": Option('["a"]', ("a",), '["file"]'),
    "replay.codes": Option('["a"]', ("a",), '["file"]'),
    "replay.since": Option(
        "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00", '"2026-02-28T08:00:00Z"'
    ),
    "replay.until": Option(
        "2026-01-31T08:00:00Z", "2026-01-31T08:00:00+00:00", '"2026-02-28T08:00:00Z"'
    ),
    "replay.count": Option("5", 5, "6"),
    "replay.rate": Option("0.5", 0.5, "10"),
    "replay.max_replays": Option("5", 5, "6"),
    "replay.again": Option("true", True, "false"),
    "replay.only_missing": Option("true", True, "false"),
    "replay.dry_run": Option("true", True, "false"),
    "recovery.required": Option("false", False, "true"),
    "recovery.partitions": Option("2", 2, "3"),
    "shutdown.deadline": Option("1.5", 1.5, "2"),
    "http.host": Option("0.0.0.0", "0.0.0.0", '"::1"'),
    "http.port": Option("8080", 8080, "0"),
    "http.wait_limit": Option("1.5", 1.5, "2"),
    "http.snapshot_limit": Option("1.5", 1.5, "2"),
    "supervisor.backoff_initial": Option("0.5", 0.5, "2"),
    "supervisor.backoff_max": Option("5", 5.0, "6"),
    "supervisor.forming_deadline": Option("10", 10.0, "20"),
    "supervisor.progress_deadline": Option("30", 30.0, "40"),
    "log.format": Option("json", "json", '"text"'),
    "log.level": Option("debug", "debug", '"warning"'),
}


def paths() -> Iterator[str]:
    """Every option that the models have; those of [tables.NAME] are those of [table]."""
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, Section):
            for name in model.model_fields:
                yield f"{section}.{name}"
        else:
            # The options of these are tested in test_transforms.py, and with [table].
            assert section in ("tables", "transforms"), f"section {section} is not tested"


def split(path: str) -> tuple[str, str]:
    """Section and name."""
    section, name = path.split(".")
    return section, name


def variable(path: str) -> str:
    """The environment variable of an option."""
    return "SYNC__" + "__".join(path.split(".")).upper()


def value_of(settings: Settings, path: str) -> Any:
    """The value of an option."""
    section, name = split(path)
    return getattr(getattr(settings, section), name)


def file_with(path: str, value: str) -> str:
    """A config.toml that sets one option to a TOML value, and what it cannot go without."""
    section, name = split(path)
    option = OPTIONS[path]
    line = f"{name} = {value}\n" if value else ""
    if section == "kafka":
        topics = "" if name.startswith("topics") and value else 'topics = ["orders"]\n'
        return f"[kafka]\n{topics}{option.needs}{line}"
    return f'[kafka]\ntopics = ["orders"]\n[{section}]\n{option.needs}{line}'


TABLE_OPTIONS = [f"table.{name}" for name in TableSettings.model_fields]
