"""What came of one public instance, and of all of them by family."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.record import Measure

SMALL: Final = 120
"""Items up to which no more pools than the best published heuristic are asked for."""
MEASURES: Final = {"value": Measure("less", 0.001), "cpu_seconds": Measure("less", 0.25)}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a family of instances must show: how far above the optimum, in per cent, and up to how many items proven."""

    family: str
    mean: float | None = None
    each: float | None = None
    proven: int = 0


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
    cpu_seconds: float = 0.0

    @property
    def proven(self) -> bool:
        return self.value is not None and self.value == self.bound

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
        took = f"{self.seconds:.1f} s, CPU {self.cpu_seconds:.1f} s"
        return f"{self.family} {self.name}: {value}; {', '.join(filter(None, known))}; {took}"

    def record(self) -> dict[str, Any]:
        """As plain data."""
        gap = None if self.gap is None else round(self.gap, 3)
        rounded = {"seconds": round(self.seconds, 2), "cpu_seconds": round(self.cpu_seconds, 2)}
        return asdict(self) | rounded | {"case": f"{self.family} {self.name}", "gap": gap, "proven": self.proven}


def summary(found: Sequence[Figures]) -> Iterator[str]:
    """One line per family."""
    families: dict[str, list[Figures]] = defaultdict(list)
    for one in found:
        families[one.family].append(one)
    for family, members in families.items():
        gaps = [one.gap for one in members if one.gap is not None]
        small = [one for one in members if one.heuristic is not None and one.items <= SMALL]
        worse = [one for one in small if _worse(one)]
        mean = (
            f"mean gap {sum(gaps) / len(gaps):.3f} % over {len(gaps)} known optima, {gaps.count(0.0)} reached"
            if gaps
            else ""
        )
        against = f"{len(worse)} of {len(small)} small ones above the best heuristic" if small else ""
        proven = sum(one.proven for one in members)
        placed = sum(one.value is not None for one in members)
        told = [f"{placed} of {len(members)} placed whole", f"{proven} proven", mean, against]
        yield f"{family}: " + "; ".join(filter(None, told))


def faults(found: Sequence[Figures], wanted: Mapping[str, Wanted]) -> Iterable[str]:
    """What these instances miss, each as a sentence."""
    for one in found:
        must = wanted.get(one.family, Wanted(one.family))
        if one.items <= SMALL and one.heuristic is not None and _worse(one):
            yield f"{one.family} {one.name}: {one.value}, the best heuristic {one.heuristic}"
        if must.each is not None and one.optimum is not None and (one.gap is None or one.gap > must.each):
            yield f"{one.family} {one.name}: {one.value}, {must.each:g} % above {one.optimum} are allowed"
        if one.items <= must.proven and not one.proven:
            yield f"{one.family} {one.name}: {one.value} is not proven, the bound is {one.bound}"
    for family, must in wanted.items():
        gaps = [one.gap for one in found if one.family == family and one.gap is not None]
        if must.mean is not None and gaps and sum(gaps) / len(gaps) > must.mean:
            yield f"{family}: {sum(gaps) / len(gaps):.2f} % above the optimum in the mean, {must.mean:g} % are allowed"


def _worse(one: Figures) -> bool:
    return one.value is None or (one.heuristic is not None and one.value > one.heuristic)
