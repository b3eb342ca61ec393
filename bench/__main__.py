"""The flow beside the bare loop: `python -m bench` or `make bench` (see bench/README.md).

`python -m bench modes` measures each mode beside the plain one, `python -m bench throttling`
tables that are throttled, `python -m bench latency` the time from append to readable row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench import latency
from bench.kafka import filled_topic
from bench.modes import __main__ as modes
from bench.processes import MeasurementError
from bench.report import goals, remarks, show, write_json
from bench.runs import Figures, run_bare, run_flow
from bench.throttling import __main__ as throttling
from localkafka import KafkaUnavailableError


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders in the topic")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each kind, in turns")
    parser.add_argument("--latency", type=float, default=20.0, help="of the slow service, in ms")
    parser.add_argument("--kafka", choices=("auto", "apache", "embedded"), default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.rows < 1 or options.latency <= 0:
        parser.error("--rounds, --rows and --latency must be above 0")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report. 0: every row arrived in every run, whatever the times; 1: not so."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    if given[:1] == ["modes"]:
        return modes.main(given[1:])
    if given[:1] == ["throttling"]:
        return throttling.main(given[1:])
    if given[:1] == ["latency"]:
        return latency.main(given[1:])
    options = _options(arguments)
    console = Console(width=None if sys.stdout.isatty() else 110)
    if not Path("/proc/self/stat").exists():
        console.print("bench: reads CPU time and memory from /proc, which only Linux has")
        return 1
    rounds: list[list[Figures]] = []
    try:
        with filled_topic(options.kafka, options.rows) as topic:
            console.print(f"{topic.rows:,} orders are in {topic.broker}", highlight=False)
            for number in range(options.rounds):
                turn = []
                for milliseconds in (0.0, options.latency):
                    for run in (run_bare, run_flow):
                        turn.append(run(topic, milliseconds))
                        console.print(_line(number + 1, turn[-1]), highlight=False)
                rounds.append(turn)
    except (MeasurementError, KafkaUnavailableError, RuntimeError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    show(console, topic, rounds)
    found = goals(rounds, options.latency)
    for goal in found:
        console.print(str(goal), style="green" if goal.met else "bold red", highlight=False)
    for remark in remarks(rounds):
        console.print(remark, highlight=False)
    if options.json:
        write_json(options.json, topic, rounds, found)
    return 0


def _line(number: int, figures: Figures) -> str:
    return (
        f"round {number}: {figures.subject:9} {figures.latency_ms:3g} ms"
        f" {figures.rows_per_second:9,.0f} rows/s {figures.rows_per_cpu_second:9,.0f} rows/CPU-s"
        f" {figures.peak_mib * 1.048576:4.0f} MB"
        + (f" {figures.duplicates:,} duplicates" if figures.duplicates else "")
    )


if __name__ == "__main__":
    sys.exit(main())
