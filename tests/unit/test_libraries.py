"""Which room knows which library, so that another library can replace it."""

from pathlib import Path

from tests.unit.modules import every_module, imports, path_in_connectors

# Libraries that only one room or file knows, so that another library can replace them.
ONLY_IN = {
    "tablestore": {
        "tablestore/client.py",
        "tablestore/tables_api.py",
        "tablestore/rows_api.py",
        "tablestore/requests.py",
        "tablestore/timeseries/requests.py",
        "testing/tables.py",
    },
    "confluent_kafka": {"kafka", "testing/on_kafka.py"},
    "bytewax": {
        "steps.py",
        "batching.py",
        "kafka/source.py",
        "kafka/partition_reader.py",
        "replay/steps.py",
        "tablestore/sink.py",
        "tablestore/dead_letter_source.py",
        "kafka/topic_sink.py",
        "run",
        "testing",
    },
    "alibabacloud_credentials": {"tablestore/provided_credentials.py"},
    "httptools": {"tablestore/http.py"},
    "msgspec": {"records", "formats", "mapping", "transforms"},
    "pydantic": {"settings", "http_api"},
    "pydantic_settings": {"settings"},
    "prometheus_client": {
        "run/metrics.py",
        "run/flow_metrics.py",
        "run/exported.py",
        "http_api/provider.py",
        "http_api/server.py",
        "http_api/aggregate.py",
    },
    "opentelemetry": {"otel"},
    "aiohttp": {"http_api/server.py", "http_api/aggregate.py"},
    "fastcrc": {"tablestore/plainbuffer"},
    "crc32c": {"tablestore/timeseries/requests.py"},
    "sqlite3": set(),
    "pickle": set(),
    "requests": set(),
    "urllib3": {
        "tablestore/sdk_connections.py",
        "tablestore/tables_api.py",
        "formats/registry_client.py",
    },
    "typer": {"cli"},
    "rich": {"cli"},
    "tomlkit": {"import_config/document.py"},
    "javaproperties": {"import_config/files.py"},
    "fastavro": set(),
    "pytest": {"testing/fixtures.py"},
}


@every_module
def test_libraries_stay_in_their_room(module: Path) -> None:
    """Only some modules of tablestore/ know the SDK, only kafka/ the Kafka client, and so on."""
    for name in {name.split(".")[0] for name in imports(module)} & set(ONLY_IN):
        allowed = ONLY_IN[name]
        assert any(
            path_in_connectors(module) == home or path_in_connectors(module).startswith(f"{home}/")
            for home in allowed
        ), f"{name} may only be imported by {', '.join(sorted(allowed)) or 'nobody'}"
