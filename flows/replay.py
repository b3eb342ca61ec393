"""Dead letters replayed from their topic or table: into tables, or back to their topics.

    python -m bytewax.run flows.replay -r replay-state -s 5 -b 0
    SYNC__REPLAY__DRY_RUN=true python -m bytewax.run flows.replay
    tablestore-sync replay --help

It reads the config.toml of the flow that rejected them, and [replay] selects dead letters. When it
was stopped, the next start goes on there; it needs a recovery folder of its own. Run it as one
process.
"""

from __future__ import annotations

from bytewax.dataflow import Dataflow

from connectors import start, steps
from connectors.replay import steps as replay
from connectors.replay.adapt_settings import flow_id, reading_dead_letters


def get_flow(config: str | None = None) -> Dataflow:
    """The flow with the settings of a file; without one, of $SYNC_CONFIG or ./config.toml."""
    run = start(flow_id, config, steps.STEPS_WITH_STATE, reading_dead_letters)
    flow = Dataflow(run.flow_id)

    chunks = replay.read_dead_letters(flow, run)
    if run.settings.replay.target == "topic":
        replay.send_back(chunks, run)
        return flow
    records = steps.decode("decode", chunks, run)
    records = steps.transform("transform", records, run)
    # Your steps, as in the flow that rejected them.
    rows = steps.map_rows("map_rows", records, run)
    if run.settings.replay.dry_run:
        replay.show("show", rows, run)
        return flow
    rows = replay.only_missing("only_missing", rows, run)
    batches = steps.batch(rows, run)
    steps.write(batches, run, tables=())
    return flow


def __getattr__(name: str) -> Dataflow:
    """`flow` is built when it is first used, so that importing this page needs no settings."""
    if name == "flow":
        return get_flow()
    raise AttributeError(name)
