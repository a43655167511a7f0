"""A trace as a picture: how the plan's cost fell and the bound rose, as SVG text of its own (no library)."""

from collections.abc import Sequence
from itertools import pairwise

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 760, 420, 84, 48, 34, 24
FONT = 'font-family="sans-serif" font-size="13"'


def trace_plot(points: Sequence[tuple[float, float]], bound: float, *, title: str, unit: str) -> str:
    """`points` are (spent, cost), cost falling; `unit` names what was spent."""
    last = max([p[0] for p in points] + [1e-9])
    low, high = min(bound, *(p[1] for p in points)), max(p[1] for p in points)
    span = (high - low) or 1.0
    low, high = low - 0.05 * span, high + 0.05 * span

    def at(x: float, y: float) -> str:
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / last
        down = TOP + (HEIGHT - TOP - BOTTOM) * (high - y) / (high - low)
        return f"{across:.1f},{down:.1f}"

    steps = [at(*points[0])]
    for (_, before), (spent, cost) in pairwise(points):
        steps += [at(spent, before), at(spent, cost)]
    steps.append(at(last, points[-1][1]))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT}>',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="15">{title}</text>',
    ]
    for n in range(5):
        value, spent = low + (high - low) * n / 4, last * n / 4
        x, y = at(spent, value).split(",")
        lines += [
            f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>',
            f'<text x="{LEFT - 8}" y="{float(y) + 4:.1f}" text-anchor="end">{value:,.0f}</text>',
            f'<text x="{x}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{spent:,.4g}</text>',
        ]
    low_end, high_end = at(0, bound), at(last, bound)
    lines += [
        f'<polyline points="{low_end} {high_end}" fill="none" stroke="#b45309" stroke-width="2" stroke-dasharray="7 4"/>',
        f'<polyline points="{" ".join(steps)}" fill="none" stroke="#1d4ed8" stroke-width="2"/>',
        f'<text x="{WIDTH - RIGHT}" y="{TOP + 14}" text-anchor="end" fill="#1d4ed8">best plan {points[-1][1]:,.1f}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{TOP + 32}" text-anchor="end" fill="#b45309">bound {bound:,.1f}</text>',
        f'<text x="{WIDTH // 2}" y="{HEIGHT - 8}" text-anchor="middle">{unit}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
