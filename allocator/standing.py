"""How the fleet stands now: the documents' places, with the volumes of the documents or of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from allocator.documents import World
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.fleet import Fleet
from allocator.rule import Rule
from allocator.screen import Screen

if TYPE_CHECKING:
    from allocator.ledger import Ledger


class Standing:
    """A screen over the fleet that follows the ledger: read again only when somebody else changed it."""

    def __init__(self, world: World, rules: Sequence[Rule], ledger: Ledger | None) -> None:
        self.world, self.rules, self.ledger = world, rules, ledger
        self._seen = -1
        self._screen = Screen(Fleet(world.inventory), rules)

    def screen(self) -> Screen:
        """The fleet as of now."""
        if self.ledger is not None and (changes := self.ledger.changes()) != self._seen:
            self._screen = Screen(Fleet(self._recorded(self.ledger)), self.rules)
            self._seen = changes
        return self._screen

    def held(self) -> Ledger:
        """The ledger. Raises LookupError where there is none."""
        if self.ledger is None:
            raise LookupError("This needs a ledger, which remembers what was made. Maybe --ledger sqlite:///ledger.db.")
        return self.ledger

    def reserve(self, plan: Plan, arrivals: Iterable[Volume] = ()) -> bool:
        """Reserve a plan in one transaction; False where the facts have changed since `screen` read them.

        Where the arrivals are all that the ledger changed by, the fleet takes them over without reading it again.
        """
        from allocator.ledger import StaleDecision

        if not plan.steps:
            return True
        try:
            changed = self.held().reserve(plan, seen=self._seen)
        except StaleDecision:
            return False
        if changed and arrivals:
            self._screen.fleet.settle(arrivals)
            self._seen += 1
        return True

    def _recorded(self, ledger: Ledger) -> Inventory:
        """The documents' places as last observed, with the ledger's volumes and those found on devices (R07)."""
        base = self.world.inventory
        if base.volumes:
            raise LookupError("With a ledger the volumes are the ledger's. Maybe take `volumes` out of the documents.")
        pools = []
        for name, seen in ledger.observations().items():
            pool = base.pools.get(name)
            if pool is not None:
                given = seen.default_qos.filled_from(pool.default_qos)
                pools.append(replace(pool, used_bytes=seen.used_bytes, default_qos=given))
        inventory = base.copy(instead=pools)
        documents = [stored.document for stored in ledger.volumes()] + ledger.foreign_documents()
        inventory.settle(self.world.hold(documents, inventory))
        return inventory
