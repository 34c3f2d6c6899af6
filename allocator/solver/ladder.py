"""One model whose goals are minimised in their order, each fixed before the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allocator.domain.policy import Effort
from allocator.goal import Tiers
from allocator.screen import Screen
from allocator.solver.classes import Unit, host_classes, unit_classes
from allocator.solver.core import Core, solve_core
from allocator.solver.counts import Expression
from allocator.solver.deadline import Deadline
from allocator.solver.draft import Placement
from allocator.solver.model import Model
from allocator.solver.run import Found, run
from allocator.solver.unfold import hint


class Ladder:
    """A batch as a model: with hosts merged a relaxation, with hosts as they are exact. Equal units are counted."""

    def __init__(
        self, units: Sequence[Unit], screen: Screen, tiers: Tiers, effort: Effort, *, merge_hosts: bool
    ) -> None:
        fleet = screen.fleet
        classes = unit_classes(units, fleet, merge=True)
        self.model = Model(screen, classes, host_classes(units, fleet, merge=merge_hosts))
        for rule in screen.rules:
            rule.encode(self.model)
        self.tiers, self.effort = tiers, effort
        self.exact = all(len(hosts) == 1 for hosts in self.model.host_classes)
        """An answer of the model is an answer: no two hosts are merged."""
        self._encoded: dict[int, Expression] = {}
        self._fixed = 0

    def minimise(
        self,
        number: int,
        placed: Placement,
        costs: Sequence[int],
        work: float,
        deadline: Deadline,
        improved: Callable[[int, int], None] | None = None,
    ) -> Found:
        """The least of one tier with those before it at `costs`, begun from a placement."""
        self._aim(number, costs)
        hint(self.model, placed)
        return run(self.model, self.effort, work, deadline, improved)

    def core(self, number: int, costs: Sequence[int], deadline: Deadline) -> Core:
        """The same by the columns that matter most; nothing is proven but the bound."""
        self._aim(number, costs)
        return solve_core(self.model.cp.proto, len(self.model.classes), costs[number], deadline)

    def _aim(self, number: int, costs: Sequence[int]) -> None:
        while self._fixed < number:
            self.model.cp.add(self._goal(self._fixed) <= costs[self._fixed])
            self._fixed += 1
        self.model.cp.minimize(self._goal(number))

    def _goal(self, number: int) -> Expression:
        if number not in self._encoded:
            self._encoded[number] = sum(weight * goal.encode(self.model) for goal, weight in self.tiers[number])
        return self._encoded[number]
