"""The fixtures of connectors/testing/ for the tests of the examples."""

from connectors.testing.fixtures import (
    local_kafka,
    schema_registry,
    tablestore_instance,
    tablestore_options,
    tablestore_server,
)

__all__ = [
    "local_kafka",
    "schema_registry",
    "tablestore_instance",
    "tablestore_options",
    "tablestore_server",
]
