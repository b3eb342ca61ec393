"""The fixtures that connectors/testing/ hands out."""

from connectors.testing.fixtures import (
    local_kafka,
    tablestore_instance,
    tablestore_options,
    tablestore_server,
)

__all__ = ["local_kafka", "tablestore_instance", "tablestore_options", "tablestore_server"]
