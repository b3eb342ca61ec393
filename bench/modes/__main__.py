"""Each mode beside the plain one: `python -m bench modes` (see bench/README.md)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.modes import budget, flow, in_process
from bench.modes.cases import MODES
from bench.modes.in_process import Timing
from bench.modes.picture import picture
from bench.processes import MeasurementError
from bench.provenance import provenance
from localkafka import KafkaUnavailableError


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench modes", description=__doc__)
    parser.add_argument("modes", nargs="*", metavar="MODE", help="some of them; default: all")
    parser.add_argument("--list", action="store_true", help="name the modes and their goals")
    parser.add_argument(
        "--in-process", action="store_true", help="bytes to rows alone, without Kafka and service"
    )
    parser.add_argument("--budget", action="store_true", help="bound the bytecodes a row")
    parser.add_argument("--rows", type=int, default=400_000, help="messages of a topic")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each mode")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the ratios there")
    options = parser.parse_args(arguments)
    unknown = sorted({*options.modes} - {*MODES})
    if unknown:
        parser.error(f"no mode {', '.join(unknown)}; --list names them")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report. 1: a run lost rows, or a budget is exceeded; a missed goal is not."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 110)
    names = options.modes or [*MODES]
    if options.list:
        for name in names:
            console.print(name, MODES[name].goal or "", highlight=False)
        return 0
    if options.budget:
        return budget.check(names, console)
    timings: list[Timing] = []
    try:
        for timing in _measured(names, options):
            timings.append(timing)
            console.print(_line(timing), highlight=False)
    except (MeasurementError, KafkaUnavailableError, RuntimeError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    console.print(_table(timings, options))
    if options.json:
        options.json.write_text(json.dumps(_content(timings, options), indent=1) + "\n")
    if options.svg:
        options.svg.write_text(picture(timings, MODES))
    return 0


def _measured(names: Sequence[str], options: argparse.Namespace) -> Iterable[Timing]:
    if options.in_process:
        return in_process.measure(names, options.rounds)
    return flow.measure(names, options.rows, options.rounds)


def _line(timing: Timing) -> str:
    return f"{timing.name}: {min(timing.microseconds):.2f} µs a row, {timing.ratio:.2f} of plain"


def _table(timings: Sequence[Timing], options: argparse.Namespace) -> Table:
    what = "bytes to rows, in this process" if options.in_process else "whole flows"
    table = Table(title=f"CPU time of each mode beside plain: {what}, {options.rounds} rounds")
    for name in ("mode", "rows/CPU-s", "µs a row", "of plain", "least..most", "goal"):
        table.add_column(name, justify="left" if name == "mode" else "right", no_wrap=True)
    for timing in timings:
        goal, best = MODES[timing.name].goal, min(timing.microseconds)
        missed = goal is not None and timing.ratio < goal
        table.add_row(
            timing.name,
            f"{1e6 / best:,.0f}",
            f"{best:.2f}",
            f"{timing.ratio:.2f}",
            f"{min(timing.ratios):.2f}..{max(timing.ratios):.2f}",
            "" if goal is None else f"{goal:.2f}{' MISSED' if missed else ''}",
        )
    return table


def _content(timings: Sequence[Timing], options: argparse.Namespace) -> dict[str, Any]:
    return {
        **provenance(),
        "in_process": options.in_process,
        "modes": [
            {**timing._asdict(), "ratio": timing.ratio, "goal": MODES[timing.name].goal}
            for timing in timings
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
