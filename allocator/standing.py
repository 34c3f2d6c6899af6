"""How the fleet stands now: the documents' places, with the volumes of the documents or of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import RLock
from typing import TYPE_CHECKING, Final, TypeVar

from allocator.documents import World
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.fleet import Fleet
from allocator.rule import Rule
from allocator.screen import Screen

if TYPE_CHECKING:
    from allocator.ledger import Facts, Ledger, Moment

T = TypeVar("T")
TRIES: Final = 8
"""How often a decision is taken, if another process changes the ledger in between."""


class Contended(Exception):
    """Other processes changed the ledger faster than this one could decide."""


class Standing:
    """A screen over the fleet that follows the ledger: what others change is read at the next call, and no more.

    One caller at a time: whoever decides on the screen holds `lock` until what was decided is reserved and settled.
    """

    def __init__(self, world: World, rules: Sequence[Rule], ledger: Ledger | None) -> None:
        self.world, self.rules, self.ledger = world, rules, ledger
        self.lock = RLock()
        self._seen: Moment | None = None
        """What of the ledger is in the fleet; None: nothing, or half of a change that an interrupt left."""
        self._screen = Screen(Fleet(world.inventory), rules)

    def agree(self, attempt: Callable[[Screen], T | None], *, swift: bool) -> T:
        """What an attempt to decide on the fleet as of now, and to reserve that, comes to; None: it was too late.

        From the second attempt on, if it is as swift as ranking, others are kept from writing the ledger meanwhile, so
        that it is in time; they are not kept waiting for a solver. Raises Contended.
        """
        for number in range(TRIES):
            alone = self.ledger is not None and number > 0 and swift
            with self.lock:
                screen = self.screen()
                if alone:
                    # What takes long to read was read above; others wait for no more than what came since.
                    with self.held().undisturbed():
                        answer = attempt(self.screen())
                else:
                    answer = attempt(screen)
            if answer is not None:
                return answer
        raise Contended(
            f"The ledger changed under {TRIES} decisions in a row. Maybe let fewer processes place at once."
        )

    def screen(self) -> Screen:
        """The fleet as of now."""
        if self.ledger is not None and (self._seen is None or self.ledger.changes() != self._seen.changes):
            self._follow(self.ledger)
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
        assert self._seen is not None, "decided on a screen, which has read the ledger"
        try:
            changed = self.held().reserve(plan, seen=self._seen.changes)
        except StaleDecision:
            return False
        if changed and arrivals:
            self._settle(arrivals, (), replace(self._seen, changes=self._seen.changes + 1))
        return True

    def _follow(self, ledger: Ledger) -> None:
        inventory = self._screen.fleet.inventory
        delta = None if self._seen is None else ledger.since(self._seen, most=len(inventory.volumes))
        if delta is None:
            facts = ledger.facts()
            self._screen = Screen(Fleet(self._recorded(facts)), self.rules)
            self._seen = facts.moment
        else:
            arrivals = self.world.hold(delta.documents, inventory)
            written = {volume.name for volume in arrivals}
            gone = [name for name in delta.removed if name not in written and inventory.find(name) is not None]
            self._settle(arrivals, gone, delta.moment)

    def _settle(self, arrivals: Iterable[Volume], departures: Iterable[str], moment: Moment) -> None:
        """Change the fleet to what it is at a moment; interrupted half-way, it is read anew at the next call."""
        self._seen = None
        self._screen.fleet.settle(arrivals, departures)
        self._seen = moment

    def _recorded(self, facts: Facts) -> Inventory:
        """The documents' places as last observed, with the ledger's volumes and those found on devices (R07)."""
        base = self.world.inventory
        if base.volumes:
            raise LookupError("With a ledger the volumes are the ledger's. Maybe take `volumes` out of the documents.")
        pools = []
        for name, seen in facts.observations.items():
            pool = base.pools.get(name)
            if pool is not None:
                given = seen.default_qos.filled_from(pool.default_qos)
                pools.append(replace(pool, used_bytes=seen.used_bytes, default_qos=given))
        inventory = base.copy(instead=pools)
        inventory.settle(self.world.hold(facts.documents, inventory))
        return inventory
