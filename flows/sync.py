"""Kafka topics into Tablestore tables: the whole flow, one line a step.

    python -m bytewax.run flows.sync -r state -s 5 -b 0
    python -m bytewax.run "flows.sync:get_flow('path/to/config.toml')" -r state -s 5 -b 0

To add a step of your own, copy this page and put one line between decode and map_rows; see
examples/enrich_and_filter/.
"""

from __future__ import annotations

from bytewax.dataflow import Dataflow

from connectors import start, steps

FLOW_ID = "sync"


def get_flow(config: str | None = None) -> Dataflow:
    """The flow with the settings of a file; without one, of $SYNC_CONFIG or ./config.toml."""
    run = start(FLOW_ID, config, steps.STEPS_WITH_STATE)
    flow = Dataflow(FLOW_ID)

    chunks = steps.read(flow, run)
    records = steps.decode("decode", chunks, run)
    records = steps.transform("transform", records, run)
    # Your steps: records = steps.map_records("enrich", records, run, your_function)
    rows = steps.map_rows("map_rows", records, run)
    batches = steps.batch(rows, run)
    steps.write(batches, run)
    return flow


def __getattr__(name: str) -> Dataflow:
    """`flow` is built when it is first used, so that importing this page needs no settings."""
    if name == "flow":
        return get_flow()
    raise AttributeError(name)
