"""One and two processes, one and two workers: `python -m bench.scale` (see bench/README.md).

In turns, over the same topic, against a service that answers at once and one that takes 20 ms. A
missed goal is no failure; a row that is missing is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.kafka import filled_topic
from bench.processes import MeasurementError
from bench.provenance import provenance
from bench.scale.measure import Figures, Layout, run
from bench.scale.report import LAYOUTS, ONE, Summary, forecast, goals, picture, summaries
from localkafka import KafkaUnavailableError


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders in the topic")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind, in turns")
    parser.add_argument("--latency", type=float, default=20.0, help="of the slow service, in ms")
    parser.add_argument(
        "--layout",
        action="append",
        metavar="PxW",
        help="processes x workers beside 1x1, more than once; default: 2x1 and 1x2",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the rates there")
    options = parser.parse_args(arguments)
    if options.layout:
        options.layouts = (ONE, *(Layout(*map(int, each.split("x"))) for each in options.layout))
    else:
        options.layouts = LAYOUTS
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report. 0: every row arrived in every run, whatever the rates; 1: not so."""
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 120)
    rounds: list[list[Figures]] = []
    try:
        with filled_topic("apache", options.rows) as topic:
            for _ in range(options.rounds):
                turn: list[Figures] = []
                for latency in (0.0, options.latency):
                    for layout in options.layouts:
                        turn.append(run(topic, latency, layout))
                        console.print(_line(turn[-1]), highlight=False)
                rounds.append(turn)
    except (MeasurementError, KafkaUnavailableError, RuntimeError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    found = summaries(rounds)
    console.print(_table(found, options))
    reached = goals(found)
    for goal in reached:
        console.print(str(goal), style="green" if goal.met else "bold red", highlight=False)
    computed = forecast(found)
    for line in computed:
        console.print(line, highlight=False)
    if options.json:
        content = {
            **provenance(),
            "rows": options.rows,
            "rounds": [[each._asdict() for each in turn] for turn in rounds],
            "medians": [{**each._asdict(), "layout": str(each.layout)} for each in found],
            "goals": [{**asdict(goal), "met": goal.met} for goal in reached],
            "computed": computed,
        }
        options.json.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    if options.svg:
        options.svg.write_text(picture(found))
    return 0


def _line(each: Figures) -> str:
    layout = Layout(each.processes, each.workers)
    return (
        f"{layout!s:26} {each.latency_ms:3g} ms {each.rows_per_second:9,.0f} rows/s"
        f" {each.rows_per_cpu_second:9,.0f} rows/CPU-s, {each.cores:.2f} cores, the rest of the"
        f" machine {each.other_cores:.2f}"
    )


def _table(found: Sequence[Summary], options: argparse.Namespace) -> Table:
    table = Table(title=f"{options.rows:,} orders, medians of {options.rounds} rounds in turns")
    table.add_column("")
    for name in ("ms", "rows/s", "of one", "rows/CPU-s", "of one", "cores", "others", "MiB"):
        table.add_column(name, justify="right")
    table.add_column("first row s", justify="right")
    for each in found:
        table.add_row(
            str(each.layout),
            f"{each.latency_ms:g}",
            f"{each.rows_per_second:,.0f}",
            f"{each.ratio:.2f}",
            f"{each.rows_per_cpu_second:,.0f}",
            f"{each.cpu_ratio:.2f}",
            f"{each.cores:.2f}",
            f"{each.other_cores:.2f}",
            f"{each.peak_mib:,.0f}",
            f"{each.first_row_seconds:.1f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
