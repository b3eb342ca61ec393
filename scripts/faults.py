"""The faults of docs/guarantees.md, and the tests that inject them, by the marker `fault`."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FAULTS: dict[str, tuple[str, ...]] = {
    "destination": (
        "HTTP 500",
        "HTTP 502 with a page of HTML",
        "HTTP 503 without a body",
        "throttling",
        "a partition that moves",
        "a time-out before the effect",
        "a time-out after the effect",
        "a reset before the effect",
        "a reset after the effect",
        "rows of a request that fail",
        "a slow answer",
        "a garbled or truncated answer",
        "credentials that are refused",
        "a wrong clock",
        "the service restarts",
    ),
    "source": (
        "the broker restarts",
        "the leader changes, of three brokers",
        "the group's coordinator moves",
        "connections are reset",
        "an offset out of range",
        "more partitions",
        "a topic created again",
        "gaps of transactions",
        "a broker that stalls",
    ),
    "process": (
        "SIGKILL at random",
        "SIGKILL before a write",
        "SIGKILL after a write, before its answer",
        "SIGKILL after an answer, before the snapshot",
        "SIGKILL during a snapshot",
        "SIGKILL during the delivery of a dead letter",
        "SIGTERM",
        "SIGINT",
        "a full disk",
        "a read-only disk",
        "another number of workers",
    ),
}
"""Every fault by its side, in the order of the table."""
_BEGIN, _END = "<!-- tests of faults: made by make pages -->", "<!-- end -->"


def insert_table(text: str) -> str:
    """The page with the table between its marks; ValueError where a fault has no test."""
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"docs/guarantees.md has no {_BEGIN}")
    return f"{before}{begin}\n{_table(injected())}\n{end}{after}"


def injected() -> dict[tuple[str, str], list[str]]:
    """For each fault, by side and name, the tests with its marker, as `file::test`."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.fault" not in text:
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                for side, name in _faults(node.decorator_list):
                    found[side, name].append(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def _faults(decorators: Iterable[ast.expr]) -> Iterable[tuple[str, str]]:
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
            side, *names = (ast.literal_eval(argument) for argument in decorator.args)
            yield from ((side, name) for name in names)


def _table(tests: dict[tuple[str, str], list[str]]) -> str:
    listed = [(side, name) for side, names in FAULTS.items() for name in names]
    unknown, missing = set(tests) - set(listed), [each for each in listed if each not in tests]
    if unknown or missing:
        raise ValueError(f"faults of no table: {unknown}; faults without a test: {missing}")
    lines = ["| side | fault | tests |", "|---|---|---|"]
    for side, name in listed:
        shown = ", ".join(f"`{test.removeprefix('tests/')}`" for test in tests[side, name])
        lines.append(f"| {side} | {name} | {shown} |")
    return "\n".join(lines)
