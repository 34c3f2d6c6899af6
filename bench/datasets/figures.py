"""What came of one public instance, and of all of them by family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SMALL: Final = 120
"""Items up to which no more pools than the best published heuristic are asked for."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One instance: the value reached (None: not everything was placed), its bound, and what is published."""

    family: str
    name: str
    value: int | None
    bound: int | None
    optimum: int | None
    heuristic: int | None
    seconds: float
    placed: int
    items: int = 0

    @property
    def gap(self) -> float | None:
        """How far the value lies above the optimum, in per cent."""
        if self.value is None or not self.optimum:
            return None
        return 100 * (self.value - self.optimum) / self.optimum

    def line(self) -> str:
        """One line for people."""
        known = [
            f"optimum {self.optimum}" if self.optimum is not None else "",
            f"best heuristic {self.heuristic}" if self.heuristic is not None else "",
            f"bound {self.bound}" if self.bound is not None else "no bound",
            f"gap {self.gap:.2f} %" if self.gap is not None else "",
        ]
        value = f"only {self.placed} placed" if self.value is None else f"value {self.value}"
        return f"{self.family} {self.name}: {value}; {', '.join(filter(None, known))}; {self.seconds:.1f} s"


def summary(found: Sequence[Figures]) -> Iterator[str]:
    """One line per family."""
    families: dict[str, list[Figures]] = defaultdict(list)
    for one in found:
        families[one.family].append(one)
    for family, members in families.items():
        gaps = [one.gap for one in members if one.gap is not None]
        small = [one for one in members if one.heuristic is not None and one.items <= SMALL]
        worse = [one for one in small if one.value is None or (one.heuristic is not None and one.value > one.heuristic)]
        mean = (
            f"mean gap {sum(gaps) / len(gaps):.3f} % over {len(gaps)} known optima, {gaps.count(0.0)} reached"
            if gaps
            else ""
        )
        against = f"{len(worse)} of {len(small)} small ones above the best heuristic" if small else ""
        proven = sum(one.value is not None and one.value == one.bound for one in members)
        placed = sum(one.value is not None for one in members)
        told = [f"{placed} of {len(members)} placed whole", f"{proven} proven", mean, against]
        yield f"{family}: " + "; ".join(filter(None, told))
