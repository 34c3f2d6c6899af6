"""Why a batch refused some of its VMs: equal ones are explained once, and what costs a solve is done a few times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Refusal, RefusalKind
from allocator.domain.placement import Volume
from allocator.goal import Tiers
from allocator.rank import Beyond, rank
from allocator.refusal import Refusing
from allocator.screen import Screen
from allocator.solver.classes import Unit

NAMED: Final = 8
"""Sorts of VMs for which the fewest that do not fit together are looked for: each takes up to 40 solves."""
REASONED: Final = 100
"""Sorts of VMs whose rules and remedies are found, by dropping each rule in turn; further ones get their counts."""
Together = Callable[[Unit], tuple[str, ...]]


class Crowd:
    """Explains the refused units of one batch."""

    def __init__(
        self, screen: Screen, tiers: Tiers, volumes: Sequence[Volume], together: Together, proven: bool
    ) -> None:
        """`volumes` are what was placed. `together` names the fewest requests, one unit's among them, that do not all
        fit (none: it cannot tell); `proven` says that no answer refuses less.
        """
        self.screen, self.tiers, self.together, self.proven = screen, tiers, together, proven
        inventory: Inventory = screen.fleet.inventory
        self.alone = Refusing(inventory, screen.rules, tiers)
        self.crowded = Refusing(inventory.plus(volumes).copy(), screen.rules, tiers)
        self._known: dict[Hashable, tuple[Unit, list[Refusal]]] = {}
        self._named = 0

    def refusals(self, units: Sequence[Unit]) -> Iterator[Refusal]:
        """One refusal for each request of these units, in their order."""
        for unit in units:
            vm = unit.requests[0].vm
            held = vm is not None and any(self.screen.fleet.inventory.volumes_of_vm(vm))
            key = vm if held else (unit.attaches, tuple(request.shape for request in unit.requests))
            if key not in self._known:
                self._known[key] = unit, self._explained(unit)
            twin, known = self._known[key]
            for request, refusal in zip(unit.requests, known, strict=True):
                yield replace(refusal, request=request.name, together=_renamed(refusal.together, twin, unit))

    def _explained(self, unit: Unit) -> list[Refusal]:
        brief = len(self._known) >= REASONED
        if not self._fits_alone(unit):
            return self.alone.refusals(unit.requests, brief=brief)
        names: tuple[str, ...] = ()
        if self._named < NAMED:
            self._named += 1
            names = self.together(unit)
        kind = RefusalKind.TOGETHER if names or self.proven else RefusalKind.UNDECIDED
        return [replace(one, together=names) for one in self.crowded.refusals(unit.requests, kind, brief=brief)]

    def _fits_alone(self, unit: Unit) -> bool:
        try:
            return rank(unit.requests, self.screen, self.tiers) is not None
        except Beyond:
            return True


def _renamed(names: tuple[str, ...], twin: Unit, unit: Unit) -> tuple[str, ...]:
    """The same for an equal unit: it is among them already, or takes its twin's place."""
    own = {request.name for request in unit.requests}
    if own & set(names):
        return names
    swapped = {old.name: new.name for old, new in zip(twin.requests, unit.requests, strict=True)}
    return tuple(sorted(swapped.get(name, name) for name in names))
