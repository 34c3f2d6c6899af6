"""What one run of `python -m bench roadef` measured, and which thresholds of `cases.yaml` were kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

LATE: Final = 1.1
"""How many times as long as it was allowed a run may take."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One instance in one time: its cost at the start and as rearranged, and what is published of it."""

    case: str
    allowed_seconds: float
    seconds: float
    cpu_seconds: float
    start: int
    cost: int
    moved: int
    bound: int | None = None
    winner: int | None = None
    judged: bool | None = None
    """Whether the judge agrees that it breaks nothing and costs so much; None where nobody was asked."""

    @property
    def above(self) -> float | None:
        """How far the cost lies above the published bound, in per cent of the start's."""
        return None if self.bound is None else 100 * (self.cost - self.bound) / self.start

    @property
    def behind(self) -> float | None:
        """And above what the contest's winner reached in 300 s."""
        return None if self.winner is None else 100 * (self.cost - self.winner) / self.start

    def record(self) -> dict[str, Any]:
        return asdict(self) | {"above": self.above, "behind": self.behind}

    def line(self) -> str:
        """One line for people."""
        known = [
            f"{self.moved:,} moved",
            f"{self.above:.3f} % of it above the bound" if self.above is not None else "",
            f"{self.behind:+.3f} % to the winner" if self.behind is not None else "",
            "" if self.judged is None else "judged right" if self.judged else "JUDGED WRONG",
            f"{self.seconds:.1f} of {self.allowed_seconds:.0f} s, {self.cpu_seconds:.1f} s CPU",
        ]
        return f"{self.case}: {self.start:,} -> {self.cost:,}; {'; '.join(filter(None, known))}"


def missed(figures: Sequence[Figures], thresholds: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was not kept: of every run, and of each threshold whose instances were all run in its time."""
    for one in figures:
        if one.judged is False:
            yield f"{one.case} in {one.allowed_seconds:.0f} s: the judge does not agree"
        if one.cost > one.start:
            yield f"{one.case} in {one.allowed_seconds:.0f} s: {one.cost:,} is worse than the start's {one.start:,}"
        if one.seconds > LATE * one.allowed_seconds:
            yield f"{one.case}: took {one.seconds:.1f} s, allowed {one.allowed_seconds:.0f}"
    for threshold in thresholds:
        found = [f for f in figures if f.case in threshold["instances"] and f.allowed_seconds == threshold["seconds"]]
        if len(found) < len(threshold["instances"]):
            continue
        for measure in {"cost", "above", "behind"} & threshold.keys():
            mean = sum(getattr(one, measure) for one in found) / len(found)
            if mean > threshold[measure]:
                where = f"{threshold['name']} in {threshold['seconds']} s"
                yield f"{where}: {measure} {mean:,.2f}, at most {threshold[measure]:,}"
