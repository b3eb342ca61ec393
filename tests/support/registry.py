"""The Schema Registry of connectors/testing/, by the name that tests use."""

from connectors.testing.registry import SchemaRegistry, guid_of

__all__ = ["SchemaRegistry", "guid_of"]
