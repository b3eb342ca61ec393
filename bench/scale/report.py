"""What the runs say of scaling: ratios, goals, a picture, and what this machine cannot show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple
from xml.sax.saxutils import escape

from bench.report import Goal
from bench.scale.measure import Figures, Layout

ONE, TWO_PROCESSES, TWO_WORKERS = Layout(1, 1), Layout(2, 1), Layout(1, 2)
LAYOUTS = (ONE, TWO_PROCESSES, TWO_WORKERS)
_FORECAST = (2, 4, 8)  # processes, with a core for each


class Summary(NamedTuple):
    """Medians of all rounds of a layout at one latency."""

    layout: Layout
    latency_ms: float
    rows_per_second: float
    rows_per_cpu_second: float
    cores: float
    other_cores: float
    peak_mib: float
    first_row_seconds: float
    ratio: float
    """Of rows/s to those of one process, in the same round."""
    cpu_ratio: float
    """The same of rows per CPU-second."""


def summaries(rounds: Sequence[Sequence[Figures]]) -> list[Summary]:
    """One for each run of a round, in its order."""
    found = []
    for number, figures in enumerate(rounds[0]):
        column = [turn[number] for turn in rounds]
        bases = [_one(turn, figures.latency_ms) for turn in rounds]
        pairs = [*zip(column, bases, strict=True)]
        values = [median(getattr(each, name) for each in column) for name in Summary._fields[2:8]]
        values.append(median(a.rows_per_second / b.rows_per_second for a, b in pairs))
        values.append(median(a.rows_per_cpu_second / b.rows_per_cpu_second for a, b in pairs))
        layout = Layout(figures.processes, figures.workers)
        found.append(Summary(layout, figures.latency_ms, *values))
    return found


def _one(turn: Sequence[Figures], latency_ms: float) -> Figures:
    return next(each for each in turn if each[:3] == (*ONE, latency_ms))


def goals(found: Sequence[Summary]) -> list[Goal]:
    """What the project wants of two processes and of two workers on two cores."""
    made = []
    for each in found:
        name = f"{each.layout} ÷ 1 process, {each.latency_ms:g} ms"
        if each.layout == TWO_PROCESSES:
            made.append(Goal(f"{name}, rows/s", each.ratio, 1.45, True))
            made.append(Goal(f"{name}, rows/CPU-s", each.cpu_ratio, 0.9, True))
        elif each.layout == TWO_WORKERS:
            made.append(Goal(f"{name}, rows/s", each.ratio, 1.0, True))
    return made


def forecast(found: Sequence[Summary]) -> list[str]:
    """What follows for machines with more cores, and for this one, from CPU time alone."""
    lines = []
    for latency in dict.fromkeys(each.latency_ms for each in found):
        runs = [each for each in found if each.latency_ms == latency]
        two = next((each for each in runs if each.layout == TWO_PROCESSES), None)
        if two is None:
            continue
        row, rest = 1e6 / two.rows_per_cpu_second, 1e6 * two.other_cores / two.rows_per_second
        cores = os.cpu_count() or 1
        rates = [f"{number} {number * two.rows_per_cpu_second:,.0f}" for number in _FORECAST]
        text = (
            f"a row takes {row:.1f} µs of the flow and {rest:.1f} µs of broker, service and the "
            f"rest: these {cores} cores do at most {cores * 1e6 / (row + rest):,.0f} rows/s. "
            "Computed, with a core for each process and more for broker and service, rows/s: "
            + ", ".join(rates)
        )
        lines.append(f"{latency:g} ms: {text}")
    return lines


_LEFT, _WIDTH, _ROW, _TOP = 250, 430, 22, 46


def picture(found: Sequence[Summary]) -> str:
    """A bar of rows/s for each layout and latency, as SVG."""
    height = _TOP + _ROW * len(found) + 12
    scale = _WIDTH / max(each.rows_per_second for each in found)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 150}" '
            f'height="{height}" font-family="sans-serif" font-size="12">'
        ),
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">Rows a second (of one process)</text>',
    ]
    for number, each in enumerate(found):
        top, width = _TOP + _ROW * number, each.rows_per_second * scale
        colour = "#888888" if each.layout == ONE else "#3b7dd8"
        label = escape(f"{each.layout}, {each.latency_ms:g} ms")
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{label}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="15" fill="{colour}"/>',
            (
                f'<text x="{_LEFT + width + 5:.0f}" y="{top + 12}">{each.rows_per_second:,.0f} '
                f"({each.ratio:.2f})</text>"
            ),
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
