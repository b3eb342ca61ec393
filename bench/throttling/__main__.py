"""Tables that are throttled: `python -m bench.throttling` (see bench/README.md).

For each case: what was written of what the limit allows (goodput), the share of rows that were
refused, how soon the rate is back once the limit is lifted, and whether each key ended at its last
record. A missed goal is no failure; lost order is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

import localkafka
from bench.processes import MeasurementError
from bench.report import Goal, conclude
from bench.throttling.cases import CASES, Result
from bench.throttling.limited import measure
from bench.throttling.slow_service import QUEUE, measure_queue


def show(console: Console, results: Sequence[Result]) -> None:
    """Print a table."""
    table = Table(title="Tables that are throttled, rates in rows/s")
    table.add_column("")
    for name in ("limit", "written", "goodput", "refused", "at first", "in order", "not limited"):
        table.add_column(name, justify="right")
    for name in ("back after s", "longest queue s"):
        table.add_column(name, justify="right")
    for each in results:
        table.add_row(
            each.case,
            f"{each.limit:,.0f}",
            f"{each.written:,.0f}",
            f"{each.goodput:.3f}",
            f"{each.refused:.2%}",
            f"{each.refused_at_first:,}",
            "yes" if each.in_order else "NO",
            f"{each.free:,.0f}" if each.free else "",
            f"{each.back_after:.1f}" if each.back_after else "",
            f"{each.longest_queue:.1f}" if each.longest_queue else "",
        )
    console.print(table)


def goals(results: Sequence[Result]) -> list[Goal]:
    """What the project wants, and what this run has found."""
    found = [Goal(f"{each.case}: goodput", each.goodput, 0.95, True) for each in results]
    found += [Goal(f"{each.case}: refused", each.refused, 0.05, False) for each in results]
    lifted = [each for each in results if each.back_after]
    return found + [
        Goal(f"{each.case}: back after s", each.back_after, 10, False) for each in lifted
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and report. 0: no key has lost its order, whatever the rates; 1: not so."""
    parser = argparse.ArgumentParser(prog="python -m bench.throttling", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="cases with this in their name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 130)
    results: list[Result] = []
    try:
        for case in CASES:
            if options.only in case.name:
                results.append(measure(case))
                console.print(f"{results[-1]}", markup=False, highlight=False)
        if options.only in QUEUE:
            results.append(measure_queue(2000, 40))
    except (MeasurementError, localkafka.KafkaUnavailableError) as error:
        console.print(f"bench: {error}", markup=False, highlight=False)
        return 1
    show(console, results)
    found = goals(results)
    conclude(console, results, found, options.json)
    return 0 if all(each.in_order for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
