"""A bounded range of topics into their tables, beside a running flow.

    python -m bytewax.run flows.backfill -r backfill-state -s 5 -b 0
    tablestore-sync backfill --help

It reads the config.toml of the flow, and [backfill] selects the range. When it was stopped, the
next start goes on there; it needs a recovery folder of its own.
"""

from __future__ import annotations

from bytewax.dataflow import Dataflow

from connectors import start, steps
from connectors.replay import steps as replay
from connectors.replay.backfill import FLOW_ID, reading_range


def get_flow(config: str | None = None) -> Dataflow:
    """The flow with the settings of a file; without one, of $SYNC_CONFIG or ./config.toml."""
    run = start(FLOW_ID, config, steps.STEPS_WITH_STATE, reading_range)
    flow = Dataflow(FLOW_ID)

    chunks = replay.read_range(flow, run)
    records = steps.decode("decode", chunks, run)
    records = steps.transform("transform", records, run)
    # Your steps, as in the flow beside which it runs.
    rows = steps.map_rows("map_rows", records, run)
    rows = replay.only_missing("only_missing", rows, run, run.settings.kafka.topics)
    batches = steps.batch(rows, run)
    steps.write(batches, run)
    return flow


def __getattr__(name: str) -> Dataflow:
    """`flow` is built when it is first used, so that importing this page needs no settings."""
    if name == "flow":
        return get_flow()
    raise AttributeError(name)
