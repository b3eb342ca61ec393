"""Tests of flows and of their steps: docs/testing.md.

- `record`: a decoded record, for the test of a function.
- `message`, `run_flow`, `FlowDriver`, `Clock`: a whole flow in the test's process, on lists of
  messages, with its own time; its rows in memory, or in a local Tablestore.
- `run_on_kafka`, `produce`, `read_table`: a whole flow on a local Kafka and a local Tablestore.
- `SchemaRegistry`: a registry in the test's process.

connectors/testing/fixtures.py has the pytest fixtures.
"""

from connectors.testing.captured import CapturedRow
from connectors.testing.clock import Clock
from connectors.testing.in_process import FlowDriver, FlowResult, run_flow
from connectors.testing.messages import message, record
from connectors.testing.on_kafka import produce, run_on_kafka
from connectors.testing.registry import SchemaRegistry
from connectors.testing.tables import read_table

__all__ = [
    "CapturedRow",
    "Clock",
    "FlowDriver",
    "FlowResult",
    "SchemaRegistry",
    "message",
    "produce",
    "read_table",
    "record",
    "run_flow",
    "run_on_kafka",
]
