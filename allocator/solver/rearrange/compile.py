"""What rules and goals say of volumes that lie somewhere, as the arrays of the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.fleet import Fleet, IntArray
from allocator.goal import Tiers
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.solver.rearrange.groups import Groups
from allocator.solver.rearrange.objective import Objective
from allocator.solver.rearrange.openings import Openings
from allocator.solver.rearrange.state import BEST, COST, State
from allocator.solver.rearrange.sums import Sums
from allocator.solver.rearrange.words import Minus, Total, Unsaid, Words


def compiled(movable: Sequence[Volume], inventory: Inventory, rules: Sequence[Rule], tiers: Tiers) -> State:
    """The state in which every volume lies where it does. Raises Unsaid for what the search cannot keep to."""
    if any(volume.moving_to is not None for volume in movable):
        raise Unsaid("A volume that is on the move already is to be moved.")
    fleet = Fleet(inventory)
    words = Words(movable, fleet)
    for rule in rules:
        if type(rule).encode is not Rule.encode:
            rule.encode(words)  # type: ignore[arg-type]
        elif not rule.static and type(rule).open_pools is not Rule.open_pools:
            raise Unsaid(f"Rule {rule.name} closes pools by what lies there, and says nothing to the solver.")
    openings = Openings(movable, Screen(fleet, rules))
    sums, groups = Sums(movable, fleet), Groups(fleet, {volume.name: row for row, volume in enumerate(movable)})
    for forbidden in words.forbidden:
        openings.forbid(forbidden)
    for said in words.limits:
        if isinstance(said.total, Minus) or (isinstance(said.total, Total) and said.total.charge.mark is not None):
            groups.limit(said)
        elif isinstance(said.total, Total) and said.total.count == "arrivals":
            openings.limit(said.total, sums.limits(said), gated=said.where is not None or said.unless is not None)
        else:
            sums.limit(said)
    objective = Objective(words, sums)
    objective.say(tiers)
    home = np.array([fleet.pool_row[volume.pool] for volume in movable], dtype=np.int64)
    screen, open_ = openings.arrays(home)
    return _state(home, {"screen": screen, "open": open_, **objective.arrays(), **groups.arrays(len(home))})


def _state(home: IntArray, arrays: dict[str, Any]) -> State:
    use = arrays["use"]
    zeros = np.zeros(len(use), dtype=np.int64)
    figures = np.zeros(8, dtype=np.int64)
    cost = (arrays["weight"] * np.maximum(0, use - arrays["above"])).sum(axis=1)
    figures[COST] = figures[BEST] = cost.sum()
    return State(
        at=home.copy(),
        best=home.copy(),
        home=home,
        journal=np.zeros(max(1, len(home) // 4), dtype=np.int64),
        cost=cost,
        toll=np.zeros(len(home), dtype=np.int64),
        bad=zeros,
        price=np.zeros_like(use),
        broken=np.zeros(1, dtype=np.int64),
        figures=figures,
        **arrays,
    )
