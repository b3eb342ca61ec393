"""A replay of dead letters run to its end, and the flow before it."""

from typing import Any

from tests.flows.conftest import Case
from tests.support.flow_process import FlowProcess

REPLAYS = "__tablestore_sync.replays"


def replay(case: Case, folder: str = "replay-state", **settings: Any) -> FlowProcess:
    """Run the replay to its end; it has a recovery folder of its own."""
    before, case.flow.state = case.flow.state, case.flow.folder / folder
    case.flow.settings["replay"] = settings
    process = case.flow.start(module="flows.replay")
    case.flow.state = before
    code = process.wait()
    assert code == 0, process.text()
    return process


def run_to_end(case: Case) -> dict[str, int]:
    """Run the flow until all offsets are committed, drain it, and return its counts."""
    process = case.flow.start()
    case.wait_committed(process)
    return process.drain()
