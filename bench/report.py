"""From figures to tables, ratios and verdicts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.kafka import Topic
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
        """In one word."""
        return "met" if self.met else "MISSED"


def goals(rounds: Sequence[Sequence[Figures]], slow_ms: float) -> list[Goal]:
    """Return the three goals. Ratios are medians of the ratios of each round: a machine drifts."""

    def rate(subject: str, latency: float) -> Callable[[Sequence[Figures]], float]:
        return lambda turn: next(
            f.rows_per_second for f in turn if (f.subject, f.latency_ms) == (subject, latency)
        )

    def ratio(
        above: Callable[[Sequence[Figures]], float], below: Callable[[Sequence[Figures]], float]
    ) -> float:
        return median(above(turn) / below(turn) for turn in rounds)

    flow = rate("flow", 0)
    peak = max(f.peak_mib for turn in rounds for f in turn if f.subject == "flow")
    return [
        Goal("flow ÷ bare loop, 0 ms", ratio(flow, rate("bare loop", 0)), 0.8, True),
        Goal(f"flow, {slow_ms:g} ms ÷ 0 ms", ratio(rate("flow", slow_ms), flow), 0.9, True),
        Goal("flow, peak memory in MB", peak * 1.048576, 350, False),
    ]


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
            f"{max(f.peak_mib for f in column) * 1.048576:,.0f}",
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
