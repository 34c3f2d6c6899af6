"""What of a batch still holds after others have committed stays, and the rest is ranked once more: no second solve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from allocator.decide import Decision
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import GoalResult, Refusal, RefusalKind
from allocator.domain.placement import Volume
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goal import Answer, Tiers, tier_costs, tier_name
from allocator.rank import Beyond, rank
from allocator.refusal import Refusing
from allocator.screen import Screen
from allocator.solver.classes import Unit, units_of
from allocator.verify import worsened


def salvage(
    decision: Decision, requests: Sequence[Request], screen: Screen, tiers: Tiers, *, explain: bool
) -> Decision | None:
    """A decision on earlier facts as it can be kept now; None where it must be taken again.

    That is so where it was about other requests, or where what is kept breaks a rule once all of it is together.

    VMs that still have their places keep them, in the order in which they were asked for; the others are placed by
    ranking, one after the other, or refused. What was refused stays so. That is quick, but the goals have no bound.
    """
    inventory = screen.fleet.inventory
    places = {volume.name: volume for volume in decision.volumes}
    if {request.name for request in requests} != places.keys() | {refusal.request for refusal in decision.refused}:
        return None
    units = [unit for unit in units_of(requests) if unit.requests[0].name in places]
    kept, left = _kept(inventory, screen, units, places)
    now = Screen(Fleet(inventory.copy()), screen.rules)
    now.fleet.settle(kept)
    refused: list[Refusal] = []
    for unit in left:
        volumes = _ranked(unit, now, tiers)
        kept += volumes
        now.fleet.settle(volumes)
        if not volumes:
            refusing = Refusing(now.fleet.inventory, screen.rules, tiers, now)
            refused += refusing.refusals(unit.requests, RefusalKind.NO_ROOM, brief=not explain)
    if worsened(inventory, screen.rules, kept):
        return None
    costs = tier_costs(tiers, Answer(inventory, inventory.plus(kept), tuple(requests)))
    return replace(
        decision,
        volumes=tuple(kept),
        refused=(*decision.refused, *refused),
        goals=tuple(GoalResult(tier_name(tier), cost) for tier, cost in zip(tiers, costs, strict=True)),
        status="feasible",
        deterministic=False,
        checked=True,
    )


def _kept(
    inventory: Inventory, screen: Screen, units: Iterable[Unit], places: dict[str, Volume]
) -> tuple[list[Volume], list[Unit]]:
    """Volumes of the units that can stay where they were to be, each looked at beside those before it; and the rest."""
    now, kept, left = inventory.copy(), list[Volume](), list[Unit]()
    for unit in units:
        volumes = [places[request.name] for request in unit.requests]
        if worsened(now, screen.rules, volumes):
            left.append(unit)
        else:
            now.settle(volumes)
            kept += volumes
    return kept, left


def _ranked(unit: Unit, screen: Screen, tiers: Tiers) -> tuple[Volume, ...]:
    try:
        choice = rank(unit.requests, screen, tiers)
    except Beyond:
        return ()
    return choice.volumes if choice is not None else ()
