"""How a plan came about, as a picture: best cost and proven bound over the seconds. Plain SVG, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 360
_LEFT: Final = 80
_EDGE: Final = 40


def trace_svg(trace: Sequence[Sequence[float]], title: str) -> str:
    """`trace` holds seconds, best cost, proven bound, visits without a place. Raises ValueError when it is empty."""
    if not trace:
        msg = "nothing was told while this plan was made, so there is nothing to draw"
        raise ValueError(msg)
    longest = max(*(one[0] for one in trace), 0.001)
    points = [value for one in trace for value in (one[1], one[2]) if value > 0]
    low, high = min(points, default=0.0), max(points, default=1.0)
    low, high = low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1)

    def at(seconds: float, value: float) -> str:
        x = _LEFT + (_WIDTH - _LEFT - _EDGE) * seconds / longest
        y = _EDGE + (_HEIGHT - 2 * _EDGE) * (high - max(value, low)) / (high - low)
        return f"{x:.1f},{y:.1f}"

    def steps(column: int) -> str:
        found: list[str] = []
        for before, one in zip([trace[0], *trace], trace, strict=False):
            found += [at(one[0], before[column]), at(one[0], one[column])]
        return " ".join([*found, at(longest, trace[-1][column])])

    grid = []
    for part in range(5):
        value, seconds = low + (high - low) * part / 4, longest * part / 4
        y, x = at(0, value).split(",")[1], at(seconds, low).split(",")[0]
        grid.append(f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _EDGE}" y2="{y}" stroke="#ddd"/>')
        grid.append(f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end" dominant-baseline="middle">{value:,.0f}</text>')
        grid.append(f'<text x="{x}" y="{_HEIGHT - _EDGE + 18}" text-anchor="middle">{seconds:.3g} s</text>')
    last = trace[-1]
    gap = 100 * (last[1] - last[2]) / last[1] if last[1] > last[2] > 0 else 0.0
    told = f"best {last[1]:,.0f}, bound {last[2]:,.0f}, gap {gap:.1f} %, {last[3]:.0f} without a place"
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(told)}"
 font-family="sans-serif" font-size="12" fill="#333">
<rect width="100%" height="100%" fill="white"/>
<text x="{_LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>
<text x="{_WIDTH - _EDGE}" y="20" text-anchor="end">{escape(told)}</text>
{chr(10).join(grid)}
<polyline points="{steps(1)}" fill="none" stroke="#1b5e9e" stroke-width="2"><title>best cost</title></polyline>
<polyline points="{steps(2)}" fill="none" stroke="#b3541e" stroke-width="2" stroke-dasharray="6 4"><title>bound</title></polyline>
</svg>
"""
