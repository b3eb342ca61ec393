"""Commands to a run while it goes on, and to its folder while it is stopped."""

import json
import stat
from collections.abc import Callable

import pytest

from connectors import cli
from connectors.control import commands
from connectors.control.protocol import CommandError
from connectors.run.folder_description import describe_folder
from tests.flows.conftest import PARTITIONS, Case
from tests.support.flow_process import FlowProcess
from tests.support.ledger import Rejected
from tests.support.wait import until

Start = Callable[[Case], FlowProcess]


def answers(case: Case, process: FlowProcess, state: str) -> dict[str, object]:
    """Wait until the run's process says that it is in this state; its status."""

    def found() -> dict[str, object] | None:
        assert process.alive, process.text()
        try:
            whole = commands.status(case.flow.state)
        except CommandError:
            return None
        return whole if [one["state"] for one in whole["processes"]] == [state] else None

    return until(found, lambda: f"{state}\n{process.text()}")


@pytest.mark.P6
@pytest.mark.timeout(240)
@pytest.mark.parametrize("supervised", [False, True])
def test_pause_resume_and_drain(embedded_case: Case, supervised: bool) -> None:
    """Of a supervised run and of a plain `bytewax.run` alike."""
    case = embedded_case
    case.flow.set({"errors": {"tolerance": "all"}, "log": {"format": "json"}})
    case.store.create_table(case.topic)
    case.producer.send(case.topic, b"{", lambda *_: Rejected(), partition=0)
    case.orders(200)
    process = case.flow.supervise() if supervised else case.flow.start()
    case.wait_written(200, process)
    sockets = [path for path in case.flow.state.iterdir() if path.suffix == ".sock"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in sockets] == [0o600]
    answers(case, process, "running")
    assert "nothing is read until" in commands.pause(case.flow.state)
    paused = answers(case, process, "paused")
    snapshots = paused["processes"][0]["snapshots"]  # type: ignore[index]
    case.orders(100, first=200)

    def later() -> dict[str, object] | None:
        found = commands.status(case.flow.state)
        return found if found["processes"][0]["snapshots"] >= snapshots + 2 else None

    found = until(later, process.text)
    assert case.store.written() == 200, "what is produced meanwhile is not read"
    assert sum(one["durable"] for one in found["partitions"]) == 201  # type: ignore[attr-defined]
    commands.log_level(case.flow.state, "debug")
    commands.resume(case.flow.state)
    case.wait_written(300, process)
    found = answers(case, process, "running")
    assert found["counts"]["rejected"] == 1  # type: ignore[index]
    tables = [table for one in found["processes"] for table in one["tables"]]  # type: ignore[attr-defined]
    assert sum(table["rows"] for table in tables) == 300
    assert sum(table["capacity_units"] for table in tables) == 300, "small rows take one each"
    assert "value_json_invalid" in "\n".join(commands.status_lines(found))
    assert [one["partition"] for one in found["partitions"]] == [*range(PARTITIONS)]  # type: ignore[attr-defined]
    assert "exit code 0" in commands.drain(case.flow.state)
    assert process.wait() == 0, process.text()
    assert not [path for path in case.flow.state.iterdir() if path.suffix == ".sock"]
    lines = [json.loads(line) for line in process.text().splitlines()]
    assert {"time", "level", "logger", "message", "pid"} <= lines[0].keys()
    assert lines[-1]["counts"]["written"] == 300
    with pytest.raises(CommandError, match="no run goes on"):
        commands.pause(case.flow.state)
    case.verdict(minimum=301)


def run(*arguments: str) -> int:
    """Run a command of `tablestore-sync` and return its exit code."""
    return cli.main(arguments)


@pytest.mark.P2
@pytest.mark.timeout(240)
def test_offsets_of_a_stopped_run(
    embedded_case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """P2: reset to earliest, all records are written again; one is skipped where that is said."""
    from tests.support.flow_process import environment

    case, state = embedded_case, ("-r", str(embedded_case.flow.state))
    case.store.create_table(case.topic)
    case.orders(200)
    process = case.flow.start()
    case.wait_written(200, process)
    answers(case, process, "running")
    for name, value in {**case.flow.env, **environment(case.flow.settings)}.items():
        monkeypatch.setenv(name, value)
    assert run("offsets", "reset", *state, "--to", "earliest", "--yes") == 1
    assert "in use" in capsys.readouterr().err
    process.drain()
    assert run("offsets", "show", *state) == 0
    assert capsys.readouterr().out.count(" 50 ") == PARTITIONS
    assert run("offsets", "reset", *state, "--to", "earliest") == 1
    captured = capsys.readouterr()
    assert "offsets 0 to 49 are read again and written again" in captured.err
    assert "--yes" in captured.err
    assert run("offsets", "reset", *state, "--to", "earliest", "--yes") == 0
    assert run("offsets", "reset", *state, "--to", "51", "--yes") == 1
    skip = ("--topic", case.topic, "--partition", "0", "--offset", "9", "--yes")
    assert run("offsets", "skip", *state, *skip) == 0
    assert "0 to 9" in capsys.readouterr().out
    process = case.flow.start()
    case.wait_written(200 + 190, process)
    process.drain()
    assert describe_folder(case.flow.state).changed_offsets == [], "they are in the state now"
    process = case.flow.start()
    answers(case, process, "running")
    process.drain()
    assert case.verdict(minimum=200).duplicates == 190, "and are not applied a second time"
