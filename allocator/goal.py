"""What a goal is: better or worse, in whole numbers, and only less is better.

A goal's cost is the change that an answer makes: 0 where it changes nothing. Like a rule it is written once, for the
ranking of one VM (`pool_cost`, `host_cost`), for the solver (`encode`) and, in plain loops, for the check (`cost`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.fleet import Ask, Fleet, IntArray
from allocator.rule import Over, Reads, Rows, Rule
from allocator.slack import Slack

if TYPE_CHECKING:
    from allocator.solver.counts import Expression
    from allocator.solver.model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A decision to be judged: the inventory before and after it, and what it refused."""

    before: Inventory
    after: Inventory
    refused: Sequence[Request]

    def changes(self) -> Iterator[tuple[Volume | None, Volume]]:
        """What was placed or moved: (where it was, where it is)."""
        for name in sorted(self.after.arrivals):
            volume = self.after.find(name)
            if volume is not None:
                yield self.before.find(name), volume

    def places(self, over: str) -> list[str]:
        """The labels of one kind that a change left or reached."""
        found = set()
        for before, after in self.changes():
            for volume in filter(None, (before, after)):
                found |= {label for label, _ in self.after.places(volume, over)}
        return sorted(found)


class Goal:
    """A subclass is one file, and says Goal, Formula and Why."""

    name: ClassVar[str]
    adds_up: ClassVar[bool] = True
    """A second volume at a place never costs less than it would alone; otherwise it may."""

    lasting: ClassVar[bool] = False
    """What a place costs changes only with the documents, never with what is placed."""
    local: ClassVar[bool] = False
    """A volume changes the cost only at the pool and the host it goes to."""
    never_gains: ClassVar[bool] = False
    """One more volume never makes the cost less."""
    reads: ClassVar[Reads] = "all"
    """What the costs read of requests: what is said of one is kept for all that are alike in that."""

    def __init__(self, policy: Policy, rules: Sequence[Rule]) -> None:
        self.policy = policy
        self.rules = rules

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack] | None:
        """Where all of these hold, the volumes cost nothing, for as long as the documents stay as they are.

        None: it is not known where that is.
        """
        return None

    def pool_cost(self, ask: Ask, fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        """What the goal costs more if the volume goes to each pool, or to any; None: nothing."""
        return None

    def host_cost(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> IntArray | int | None:
        """What it costs more if all these volumes go to each host."""
        return None

    def footprint(self, ask: Ask, fleet: Fleet) -> Hashable:
        """What of wishes decides on hosts: asks of which it is equal are one to the goal there."""
        return None if type(self).host_cost is Goal.host_cost else ask.likeness

    def encode(self, model: Model) -> Expression:
        """The cost, in the model's words."""
        raise LookupError(f"Goal {self.name} has no encoding.")

    def cost(self, answer: Answer) -> int:
        """The cost of an answer, in plain loops."""
        raise LookupError(f"Goal {self.name} has no cost.")


Tier = Sequence[tuple[Goal, int]]
"""Goals minimised as one weighted sum."""
Tiers = Sequence[Tier]
"""In their order: each is minimised with all before it fixed."""
Cost = tuple[int, ...]
"""What an answer costs, tier by tier: compared like words in a dictionary."""


def tier_name(tier: Tier) -> str:
    return tier[0][0].name if len(tier) == 1 else "+".join(goal.name for goal, _ in tier)


def tier_costs(tiers: Tiers, answer: Answer) -> Cost:
    """The cost of an answer, in plain loops."""
    return tuple(sum(weight * goal.cost(answer) for goal, weight in tier) for tier in tiers)
