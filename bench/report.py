"""The report: tables, ratios, goals and verdicts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.kafka import Topic
from bench.provenance import provenance
from bench.runs import Figures


@dataclass(frozen=True)
class Goal:
    """A ratio or size that the project wants to keep, and what this run found."""

    name: str
    found: float
    wanted: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the goal is kept."""
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{self.name}: {self.found:.4g} (goal {sign} {self.wanted:g}) {self.verdict}"

    @property
    def verdict(self) -> str:
        """The result in one word."""
        return "met" if self.met else "MISSED"


def goals(rounds: Sequence[Sequence[Figures]], slow_ms: float) -> list[Goal]:
    """Return the three goals. Ratios are medians of the ratios of each round: a machine drifts."""
    peak = max(f.peak_mib for turn in rounds for f in turn if f.subject == "flow")
    slow = f"flow, {slow_ms:g} ms ÷ 0 ms"
    return [
        Goal(
            "flow ÷ bare loop, 0 ms",
            _ratio(rounds, _rate, ("flow", 0), ("bare loop", 0)),
            0.8,
            True,
        ),
        Goal(slow, _ratio(rounds, _rate, ("flow", slow_ms), ("flow", 0)), 0.9, True),
        Goal("flow, peak memory in MB", peak * _MB, 350, False),
    ]


def remarks(rounds: Sequence[Sequence[Figures]]) -> list[str]:
    """Return what a reader must know to interpret the goals."""
    ratio = _ratio(rounds, _cpu_rate, ("flow", 0), ("bare loop", 0))
    cores = median(_of(turn, ("bare loop", 0)).cores for turn in rounds)
    found = [f"flow ÷ bare loop in rows per CPU-second, 0 ms: {ratio:.4g} (no goal)"]
    if cores < _QUIET_CORES:
        found.append(
            f"The machine was busy: the bare loop, which always has work for one core, got"
            f" {cores:.2f}. Ratios of rows/s say nothing then; that of rows/CPU-s says a little."
        )
    return found


_MB = 1.048576  # of a MiB
_QUIET_CORES = 0.9
Place = tuple[str, float]  # subject and latency
Rate = Callable[[Figures], float]


def _rate(figures: Figures) -> float:
    return figures.rows_per_second


def _cpu_rate(figures: Figures) -> float:
    return figures.rows_per_cpu_second


def _of(turn: Sequence[Figures], place: Place) -> Figures:
    return next(f for f in turn if (f.subject, f.latency_ms) == place)


def _ratio(rounds: Sequence[Sequence[Figures]], rate: Rate, above: Place, below: Place) -> float:
    return median(rate(_of(turn, above)) / rate(_of(turn, below)) for turn in rounds)


def show(console: Console, topic: Topic, rounds: Sequence[Sequence[Figures]]) -> None:
    """Print the medians of every subject, and the spread of their rates."""
    title = f"{topic.rows:,} orders of {topic.mean_bytes:.0f} bytes, {topic.partitions} partitions"
    table = Table(title=f"{title}; {topic.broker}; medians of {len(rounds)} rounds in turns")
    table.add_column("")
    for name in ("latency ms", "rows/s", "least..most", "rows/CPU-s", "cores", "peak MB"):
        table.add_column(name, justify="right")
    for name in ("rows/request", "duplicates"):
        table.add_column(name, justify="right")
    for place in range(len(rounds[0])):
        column = [turn[place] for turn in rounds]
        rates = [figures.rows_per_second for figures in column]
        table.add_row(
            column[0].subject,
            f"{column[0].latency_ms:g}",
            f"{median(rates):,.0f}",
            f"{min(rates) / 1000:,.0f}..{max(rates) / 1000:,.0f} k",
            f"{median(f.rows_per_cpu_second for f in column):,.0f}",
            f"{median(f.cores for f in column):.2f}",
            f"{max(f.peak_mib for f in column) * _MB:,.0f}",
            f"{median(f.rows_per_request for f in column):.0f}",
            f"{sum(f.duplicates for f in column):,}",
        )
    console.print(table)


def write_json(
    path: Path, topic: Topic, rounds: Sequence[Sequence[Figures]], found: Sequence[Goal]
) -> None:
    """Write everything that was measured, for machines."""
    content = {
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "topic": {key: value for key, value in topic._asdict().items() if key != "bootstrap"},
        "rounds": [[asdict(figures) for figures in turn] for turn in rounds],
        "goals": [{**asdict(goal), "met": goal.met} for goal in found],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def conclude(
    console: Console, results: Sequence[Any], found: Sequence[Goal], file: Path | None
) -> None:
    """Print the goals, and write them with all results (of a dataclass) to a file as JSON."""
    for goal in found:
        console.print(str(goal), style="green" if goal.met else "bold red", highlight=False)
    if file is not None:
        content = {
            **provenance(),
            "results": [asdict(each) for each in results],
            "goals": [{**asdict(goal), "met": goal.met} for goal in found],
        }
        file.write_text(json.dumps(content, indent=1) + "\n")
