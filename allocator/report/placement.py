"""The page of a placement: what is refused and why, and where everything else goes."""

from __future__ import annotations

from collections.abc import Iterator

from allocator.domain.outcome import Count, RefusalKind
from allocator.explain import MEANING, cost_words, histogram_lines, qos_words
from allocator.report.page import Cell, Page, table
from allocator.report.told import Told


class _Goal(Told):
    goal: str
    cost: int
    bound: int | None


class _Placed(Told):
    request: str
    vm: str | None
    pool: str
    host: str | None
    qos: str
    alternative: int


class _Count(Told):
    rule: str
    pools: int
    hosts: int
    text: str


class _Remedy(Told):
    text: str


class _Refused(Told):
    request: str
    kind: str
    considered: int
    histogram: list[_Count]
    remedies: list[_Remedy]

    def row(self) -> list[Cell]:
        counts = [Count(one.rule, one.pools, one.hosts, one.text) for one in self.histogram]
        why = "; ".join(line.strip() for line in histogram_lines(counts, self.considered))
        return [self.request, MEANING[RefusalKind(self.kind)], why, " ".join(one.text for one in self.remedies)]


class PlacementTold(Told):
    """What `allocator place -o` writes."""

    status: str
    goals: list[_Goal]
    placed: list[_Placed]
    refused: list[_Refused]

    def page(self, title: str) -> Page:
        facts = [
            f"{self.status}: {len(self.placed):,} placed, {len(self.refused):,} refused",
            *(cost_words(one.goal, one.cost, one.bound) for one in self.goals),
        ]
        refused = table("What is refused", "REQUEST MEANING WHY REMEDIES", (one.row() for one in self.refused))
        placed = table("What is placed", "REQUEST VM POOL HOST QOS CHOICE", self._placed())
        return Page(f"Placement of {title}", facts, [refused, placed])

    def _placed(self) -> Iterator[list[Cell]]:
        for one in self.placed:
            choice = str(one.alternative + 1)
            yield [one.request, one.vm or "", one.pool, one.host or "", qos_words(one.qos), choice]
