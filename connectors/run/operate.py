"""What the operator's commands do in one process of a run, and what its status is."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from connectors.control.protocol import Handler, Request, text_of
from connectors.run.context import Run
from connectors.run.log import set_level

log = logging.getLogger("sync")


def handlers(run: Run, process: int) -> Mapping[str, Handler]:
    """The commands of a process, by name. `process` is its number."""

    def pause(_: Request) -> str:
        if not run.paused:
            run.paused = True
            log.info("paused by a command: what was read is written, and nothing is read")
        return "paused"

    def resume(_: Request) -> str:
        if run.paused:
            run.paused = False
            log.info("resumed by a command")
        return "resumed"

    def drain(request: Request) -> str:
        reason = text_of(request, "reason", "a command")
        run.drain(reason, restart=request.get("restart") is True)
        return "draining"

    def level(request: Request) -> str:
        word = text_of(request, "level")
        set_level(word)
        return word

    return {
        "ping": lambda _: "pong",
        "status": lambda _: run_status([process_status(run, process)]),
        "pause": pause,
        "resume": resume,
        "drain": drain,
        "log-level": level,
    }


def process_status(run: Run, process: int) -> dict[str, Any]:
    """What a process does: state, offsets, counts, rejections, what it waits for. No payload."""
    meters, counts = run.meters, run.counts
    age = meters.snapshot_age()
    partitions = sorted(meters.partitions, key=lambda one: (one.topic, one.partition))
    return {
        "process": process,
        "pid": os.getpid(),
        "state": state_of(run),
        "seconds": round(run.clock() - meters.started, 1),
        "snapshots": meters.snapshots,
        "snapshot_age": None if age is None else round(age, 1),
        "counts": counts.account(),
        "partitions": [one.as_json() for one in partitions],
        "partitions_stalled": counts.stalled(),
        "waiting": [
            *(wait.reason for wait in run.waits.current()),
            *meters.waiting_topics.values(),
        ],
        "tables": [
            {
                "table": name,
                "rows": sum(
                    n for (what, _), n in one.rows_by_outcome().items() if what == "written"
                ),
                "bytes": one.written_bytes,
                "capacity_units": one.units,
            }
            for name, one in sorted(meters.tables().items())
        ],
        "drift": [note._asdict() for note in meters.drift.all()],
        "last_rejected": counts.last_rejected(),
        "rejections": [
            {"stage": stage, "code": code, "destination": destination, "records": number}
            for (stage, code, destination), number in sorted(counts.reasons().items())
        ],
    }


def state_of(run: Run) -> str:
    """One word: forming, running, paused or draining."""
    if run.drain_reason is not None:
        return "draining"
    if not run.formed:
        return "forming"
    return "paused" if run.paused else "running"


def run_status(processes: list[dict[str, Any]]) -> dict[str, Any]:
    """The status of a run without a supervisor."""
    return {"supervisor": None, "processes": processes}
