"""The sync flow with two steps of its own: test orders are left out, the others get a region.

    python -m bytewax.run examples.enrich_and_filter.flow -r state -s 5 -b 0

It reads the config.toml of the working folder, or the file that $SYNC_CONFIG names.
"""

from __future__ import annotations

from bytewax.dataflow import Dataflow

from connectors import Record, start, steps

REGIONS = {"Hangzhou": "east", "Shanghai": "east", "Beijing": "north", "Shenzhen": "south"}


def is_real(record: Record) -> bool:
    return bool(record.value["status"] != "test")


def add_region(record: Record) -> Record:
    region = REGIONS.get(record.value["city"], "other")
    return record.with_value({**record.value, "region": region, "topic": record.topic})


def get_flow(config: str | None = None) -> Dataflow:
    run = start("enrich_and_filter", config, steps.STEPS_WITH_STATE)
    flow = Dataflow("enrich_and_filter")
    chunks = steps.read(flow, run)
    records = steps.decode("decode", chunks, run)
    records = steps.transform("transform", records, run)
    records = steps.filter_records("only_real", records, run, is_real)
    records = steps.map_records("add_region", records, run, add_region)
    rows = steps.map_rows("map_rows", records, run)
    batches = steps.batch(rows, run)
    steps.write(batches, run)
    return flow


def __getattr__(name: str) -> Dataflow:
    if name == "flow":
        return get_flow()
    raise AttributeError(name)
