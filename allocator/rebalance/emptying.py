"""Fewer pools in use: the ones that hold least are emptied into the others, each wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Budget
from allocator.rule import Rule
from allocator.solver.deadline import Deadline
from allocator.verify import worsened

VAIN: Final = 20
"""Pools in a row that could not be emptied before the search gives up: those that follow hold more."""


def emptied_one_by_one(
    before: Inventory,
    rules: Sequence[Rule],
    policy: Policy,
    may_move: Callable[[Volume], bool],
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> list[Move]:
    """Moves after which some pools hold nothing and none holds something that held nothing before."""
    moved: dict[str, Volume] = {}
    here, full, vain = before, set[str](), 0
    for name in sorted(_used(before), key=lambda name: (_bytes(before, name), name)):
        if vain == VAIN or deadline.passed() or name in full or len(_used(here)) < 2:
            break
        held = list(here.volumes_at("pool", name))
        left = budget.less(before.volumes[volume].request.size_bytes for volume in moved)
        found = _emptied(name, held, here, rules, policy, left, effort, deadline) if all(map(may_move, held)) else None
        if found is None:
            vain += 1
            continue
        vain = 0
        full |= {volume.pool for volume in found}
        moved |= {volume.name: volume for volume in found}
        here = before.plus(moved.values()).copy()
    return [Move(before.volumes[name], moved[name]) for name in sorted(moved)]


def _emptied(
    name: str,
    held: Sequence[Volume],
    here: Inventory,
    rules: Sequence[Rule],
    policy: Policy,
    budget: Budget,
    effort: Effort,
    deadline: Deadline,
) -> list[Volume] | None:
    """Where all volumes of one pool go, among those in use; None where they cannot."""
    from allocator.solver.regroup.mend import Mending, mend

    if budget.moves is not None and len(held) > budget.moves:
        return None
    closed = {other.name: "full" for other in here.pools.values() if other.name not in _used(here)} | {name: "full"}
    others = [replace(here.pools[other], state=state) for other, state in closed.items()]  # type: ignore[arg-type]
    mending = Mending({volume.name: 1 for volume in held}, {}, frozenset(), None)
    found = mend(held, here.copy(instead=others), rules, policy, mending, budget, effort, deadline.part(0.3))
    moves = [move.then for move in found.moves]
    return moves if len(moves) == len(held) and not worsened(here, rules, moves) else None


def _used(here: Inventory) -> Collection[str]:
    return {volume.pool for volume in here.all_volumes()}


def _bytes(here: Inventory, name: str) -> int:
    return sum(volume.request.size_bytes for volume in here.volumes_at("pool", name))
