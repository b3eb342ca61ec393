"""The template unit: systemd takes it without a word, and its command line is ours."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors import cli
from connectors.settings.writing import ShutdownSettings
from connectors.supervisor import service, supervisor
from connectors.supervisor.plan import RunPlan

UNIT = Path(__file__).parents[3] / "docker" / "systemd" / "tablestore-sync@.service"
PROGRAM = "/opt/tablestore-sync/.venv/bin/tablestore-sync"


def value(name: str) -> str:
    """Of a key of the unit."""
    found = re.search(rf"^{name}=(.*)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert found is not None, name
    return found[1]


def verify(folder: Path, text: str) -> str:
    """What systemd says of a unit."""
    unit = folder / "tablestore-sync@orders.service"
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, timeout=100
    )
    # Others' units that it happens to read are not ours to judge.
    lines = [line for line in done.stderr.splitlines() if "tablestore-sync" in line]
    return "\n".join(lines)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")
def test_systemd_has_nothing_to_say(tmp_path: Path) -> None:
    """With a program that exists; a key that it does not know would be named."""
    text = UNIT.read_text("utf-8").replace(PROGRAM, sys.executable)
    assert verify(tmp_path, text) == ""
    assert "Nonsense" in verify(tmp_path, text.replace("[Install]", "Nonsense=yes\n[Install]"))


def test_its_command_line_is_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As systemd expands it for a pipeline with two processes."""
    config = tmp_path / "orders.toml"
    config.write_text('[kafka]\ntopics = ["orders"]\n')
    line = value("ExecStart").replace("/etc/tablestore-sync/%i.toml", str(config))
    line = line.replace("${STATE_DIRECTORY}", "/state").replace("$SYNC_OPTIONS", "--processes 2")
    program, *arguments = shlex.split(line)
    assert program == PROGRAM
    plans: list[RunPlan] = []

    def run(plan: RunPlan, _: object) -> int:
        plans.append(plan)
        return 0

    monkeypatch.setattr(service, "run", run)
    monkeypatch.setenv("SYNC_CONFIG", "")
    assert cli.main(arguments) == 0
    assert plans == [RunPlan(Path("/state"), processes=2)]


def test_a_drain_has_the_time_that_it_may_take() -> None:
    """Systemd kills what is left only after the supervisor would have done it."""
    longest = ShutdownSettings().deadline + supervisor._DRAIN_MARGIN
    assert float(value("TimeoutStopSec")) > longest
    assert value("KillMode") == "mixed", "only the supervisor gets the signal"
