"""One picture of the modes: a bar for each ratio, and a mark where its goal is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from bench.modes.cases import Mode
from bench.modes.in_process import Timing

_LEFT, _WIDTH, _ROW, _TOP = 190, 480, 22, 46
_REACHED, _MISSED, _PLAIN = "#3b7dd8", "#c8553d", "#888888"


def picture(timings: Sequence[Timing], modes: Mapping[str, Mode]) -> str:
    """The picture as SVG."""
    height = _TOP + _ROW * len(timings) + 30
    limit = max(1.1, *(timing.ratio for timing in timings))
    scale = _WIDTH / limit
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 70}"',
        f'height="{height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">Rows per CPU-second, of the plain mode</text>',
        f'<line x1="{_LEFT + scale:.0f}" y1="{_TOP - 8}" x2="{_LEFT + scale:.0f}"',
        f'y2="{height - 24}" stroke="{_PLAIN}" stroke-dasharray="3 3"/>',
    ]
    for number, timing in enumerate(timings):
        parts += _bar(timing, modes[timing.name].goal, _TOP + _ROW * number, scale)
    parts.append(
        f'<text x="{_LEFT}" y="{height - 8}" fill="{_PLAIN}">dashed: plain; black mark: the '
        "mode's goal</text></svg>"
    )
    return "\n".join(parts) + "\n"


def _bar(timing: Timing, goal: float | None, top: int, scale: float) -> list[str]:
    colour = _MISSED if goal is not None and timing.ratio < goal else _REACHED
    width = timing.ratio * scale
    made = [
        f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{escape(timing.name)}</text>',
        f'<rect x="{_LEFT}" y="{top}" width="{width:.0f}" height="15" fill="{colour}"/>',
        f'<text x="{_LEFT + width + 5:.0f}" y="{top + 12}">{timing.ratio:.2f}</text>',
    ]
    if goal is not None:
        at = _LEFT + goal * scale
        made.append(
            f'<line x1="{at:.0f}" y1="{top - 2}" x2="{at:.0f}" y2="{top + 17}" stroke="black" '
            'stroke-width="2"/>'
        )
    return made
