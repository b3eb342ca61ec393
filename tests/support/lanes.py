"""The lanes of the test-suite, and the report of which of them ran.

A lane is what a test needs: `unit` nothing, `emulator` the local Tablestore, `flows` that and the
embedded Kafka, `kafka` the real broker. A lane that cannot run here is skipped and named at the
end; with REQUIRE_ALL_LANES=1 in the environment (set in CI) it fails the run, because a suite
that silently leaves its hardest tests out looks green.

This file is a pytest plugin; tests/conftest.py takes its hooks over.
"""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

LANES = {
    "unit": "needs nothing but Python",
    "emulator": "the local Tablestore",
    "flows": "whole flows on the embedded Kafka",
    "kafka": "the real Apache Kafka broker (Java 17; Maven for the first fetch)",
}
PROMISES = {
    "P1": "at least once",
    "P2": "replays change nothing",
    "P3": "order per primary key",
    "P4": "a bad record never affects its neighbours",
    "P5": "what concerns every row stops the run",
    "P6": "trouble slows reading down, and nothing else",
    "P7": "no secret and no payload where they do not belong",
}
"""The promises of docs/guarantees.md, each the marker of the tests that show it."""
_FOLDERS = {
    "emulator": "emulator",
    "faults": "emulator",
    "flows": "flows",
    "kafka": "flows",
    "demo": "flows",
    "examples": "flows",
}
_REQUIRED = "REQUIRE_ALL_LANES"

_notes = pytest.StashKey[list[str]]()
_missing = pytest.StashKey[dict[str, str]]()


def why_missing(config: pytest.Config) -> dict[str, str]:
    """Lanes that cannot run here, each with the reason."""
    return config.stash.setdefault(_missing, {})


def skip_lane(config: pytest.Config, lane: str, reason: str) -> None:
    """Skip the running test because its lane cannot run, and remember the reason."""
    why_missing(config).setdefault(lane, reason)
    pytest.skip(f"lane {lane}: {reason}")


def note(config: pytest.Config, text: str) -> None:
    """Have a figure of this run (kills, records, duplicates) shown at the end."""
    config.stash.setdefault(_notes, []).append(text)


class _WorkerReports:
    """Where several processes run the tests: what each noted comes to the one that reports."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A process has ended (pytest-xdist's hook)."""
        output = getattr(node, "workeroutput", {})
        for text in output.get("notes", []):
            note(node.config, text)
        for lane, reason in output.get("missing", {}).items():
            why_missing(node.config).setdefault(lane, reason)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers of lanes and promises."""
    for name, meaning in {**LANES, **PROMISES}.items():
        config.addinivalue_line("markers", f"{name}: {meaning}")
    config.addinivalue_line("markers", "fault(side, names...): what goes wrong in the test")
    config.pluginmanager.register(_WorkerReports())


@pytest.hookimpl(tryfirst=True)  # before -m is applied, so that lanes can be chosen with it
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Give each test its lane: its marker's, else that of what it asks for, else its folder's."""
    for item in items:
        lane = next((name for name in LANES if item.get_closest_marker(name)), None)
        if lane is None:
            real = "apache_broker" in getattr(item, "fixturenames", ())
            lane = "kafka" if real else _lane_of_folder(item)
            item.add_marker(lane)
        item.user_properties.append(("lane", lane))


def _lane_of_folder(item: pytest.Item) -> str:
    root = item.config.rootpath / "tests"
    try:
        folder = item.path.relative_to(root).parts[0]
    except ValueError:
        folder = Path(item.path).parent.name
    return _FOLDERS.get(folder, "unit")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which lanes ran, with counts, and which did not, and why."""
    notes = config.stash.get(_notes, [])
    if notes:
        terminalreporter.section("figures")
        for text in notes:
            terminalreporter.write_line(text)
    counts = _counts(terminalreporter)
    terminalreporter.section("lanes")
    for lane in LANES:
        numbers = counts[lane]
        reason = why_missing(config).get(lane)
        results = ", ".join(f"{number} {outcome}" for outcome, number in sorted(numbers.items()))
        if _ran(numbers):
            terminalreporter.write_line(f"{lane}: {results}")
        else:
            reason = reason or (results and "all of it was skipped") or "no test of it was selected"
            terminalreporter.write_line(f"{lane}: NOT RUN ({reason})", yellow=True)
    lacking = [lane for lane in LANES if not _ran(counts[lane])]
    if lacking and _required():
        terminalreporter.write_line(
            f"FAILED: {_REQUIRED} is set, and these lanes did not run: {', '.join(lacking)}",
            red=True,
        )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where all lanes are required, a lane that did not run is a failure of the run."""
    if hasattr(session.config, "workeroutput"):
        output = {
            "notes": session.config.stash.get(_notes, []),
            "missing": why_missing(session.config),
        }
        session.config.workeroutput.update(output)
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not _required() or reporter is None or session.config.option.collectonly:
        return
    counts = _counts(reporter)
    if exitstatus in (0, 5) and not all(_ran(counts[lane]) for lane in LANES):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _required() -> bool:
    return os.environ.get(_REQUIRED, "") not in ("", "0")


def _ran(numbers: Counter[str]) -> bool:
    return any(numbers[outcome] for outcome in ("passed", "failed", "error"))


def _counts(reporter: pytest.TerminalReporter) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {lane: Counter() for lane in LANES}
    for outcome in ("passed", "failed", "error", "skipped", "xfailed", "xpassed"):
        for report in reporter.stats.get(outcome, []):
            lane = dict(getattr(report, "user_properties", [])).get("lane")
            if lane in counts:
                counts[lane][outcome] += 1
    return counts
