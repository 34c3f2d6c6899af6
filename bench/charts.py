"""Charts as SVG, for a page that may be light or dark: lines with a legend, linear or logarithmic axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 150, 40, 52
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by the colour-blind too (Okabe and Ito, 2008), on light and on dark ground."""
STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#333}.axis{stroke:#888}.grid{stroke:#8884}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One named line; its points in the order in which they are joined."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values along so many pixels from `start`."""

    least: float
    most: float
    start: float
    length: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], start: float, length: float, *, logarithmic: bool) -> _Axis:
        """Whole powers of ten where it is logarithmic; else a little more than the values need."""
        least, most = min(values), max(values)
        if logarithmic:
            least, most = floor(log10(least)), ceil(log10(most))
            return cls(least, most if most > least else least + 1, start, length, True)
        spare = (most - least) * 0.05 or abs(most) * 0.05 or 1.0
        return cls(0.0 if 0 <= least < most / 2 else least - spare, most + spare, start, length, False)

    def at(self, value: float) -> float:
        placed = log10(value) if self.logarithmic else value
        return self.start + (placed - self.least) / (self.most - self.least) * self.length

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [10.0**power for power in range(int(self.least), int(self.most) + 1)]
        rough = (self.most - self.least) / 5
        unit = 10 ** floor(log10(rough))
        step = next(unit * size for size in (1, 2, 5, 10) if unit * size >= rough)
        return [step * number for number in range(ceil(self.least / step), floor(self.most / step) + 1)]


def chart(title: str, across: str, up: str, lines: Sequence[Line], *, logarithmic: bool = False) -> str:
    """A whole SVG document. A line without points is left out; points that a logarithm cannot show as well."""
    shown = [Line(line.name, [p for p in line.points if not logarithmic or min(p) > 0]) for line in lines]
    shown = [line for line in shown if line.points]
    if not shown:
        return _document(title, [f'<text x="{LEFT}" y="{HEIGHT / 2}">Nothing was measured.</text>'])
    xs, ys = zip(*(point for line in shown for point in line.points), strict=True)
    x = _Axis.over(xs, LEFT, WIDTH - LEFT - RIGHT, logarithmic=logarithmic)
    y = _Axis.over(ys, HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT, logarithmic=logarithmic)
    return _document(title, [*_frame(x, y, across, up), *_lines(shown, x, y)])


def _frame(x: _Axis, y: _Axis, across: str, up: str) -> list[str]:
    base, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{base}H{right}"/>']
    for tick in x.ticks():
        at = x.at(tick)
        parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{base}"/>')
        parts.append(f'<text x="{at:.1f}" y="{base + 18}" text-anchor="middle">{_number(tick)}</text>')
    for tick in y.ticks():
        at = y.at(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{right}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text x="8" y="{TOP - 12}">{escape(up)}</text>')
    return parts


def _lines(lines: Sequence[Line], x: _Axis, y: _Axis) -> list[str]:
    parts = []
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        at = [f"{x.at(across):.1f} {y.at(up):.1f}" for across, up in line.points]
        parts.append(f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{"L".join(at)}"/>')
        parts += [f'<circle cx="{p.split()[0]}" cy="{p.split()[1]}" r="2.5" fill="{colour}"/>' for p in at]
        height = TOP + 6 + 18 * number
        parts.append(f'<path stroke="{colour}" stroke-width="2" d="M{WIDTH - RIGHT + 12} {height}h18"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 36}" y="{height + 4}">{escape(line.name)}</text>')
    return parts


def _number(value: float) -> str:
    return f"{round(value):,}" if abs(value - round(value)) < 1e-9 else f"{value:.4g}"


def _document(title: str, parts: Sequence[str]) -> str:
    name = f'<text x="{WIDTH / 2}" y="18" text-anchor="middle" font-weight="bold">{escape(title)}</text>'
    body = "\n".join([f"<style>{STYLE}</style>", name, *parts])
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">\n{body}\n</svg>\n'
