"""Rule `near`: a volume's domain also holds a volume of another group."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, one_each
from allocator.domain.policy import Policy
from allocator.domain.request import Near, Request
from allocator.fleet import Ask, BoolArray, Fleet
from allocator.limits import Limit, LimitRule, named_domain
from allocator.rule import Rows


class NearRule(LimitRule):
    """Rule: where a volume that wants to be near a group lies, a volume of that group lies as well.

    Formula: volumes that want it <= 0 in a domain, unless volumes of the group there >= 1. A pool that names no such
    domain takes none of them.

    Why: a log beside its database saves the network between rows and zones. Adding a volume of the group mends
    it, so the rule closes nothing to a volume while members of the group are still being placed.
    """

    name = "near"
    monotone = False
    local = False

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._made: dict[Near, tuple[Limit, ...]] = {}

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        found = list(self._limits(request.near)) if request.near is not None else []
        if request.group is not None:
            # A member of the group mends or, when it leaves, breaks what others of the inventory want.
            wanted = {volume.request.near for volume in inventory.wanting(request.group)}
            found += [limit for near in sorted(filter(None, wanted), key=str) for limit in self._limits(near)]
        return found

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return None if self._still_coming(ask) else super().open_pools(ask, fleet, only)

    def open_hosts(self, asks: Iterable[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        settled = [ask for ask in asks if not self._still_coming(ask)]
        return super().open_hosts(settled, fleet, only) if settled else None

    @staticmethod
    def _still_coming(ask: Ask) -> bool:
        return ask.request.near is not None and ask.request.near.group in ask.coming

    def _limits(self, near: Near) -> tuple[Limit, ...]:
        if near not in self._made:
            wanting = Charge(f"volumes near group {near.group}", near.over, one_each, members=partial(_wants, near))
            group = Charge(f"volumes of group {near.group}", near.over, one_each, members=partial(_belongs, near.group))
            limits = [
                Limit(f"{near.group}-{near.over}", f"volumes that want group {near.group} near", wanting, 0,
                      unless=group, closed=f"have no volume of group {near.group} in their {near.over}")
            ]  # fmt: skip
            if near.over != "host":
                limits.append(named_domain(f"{near.group}-{near.over}", near.over, partial(_wants, near)))
            self._made[near] = tuple(limits)
        return self._made[near]


def _wants(near: Near, request: Request) -> bool:
    return request.near == near


def _belongs(group: str, request: Request) -> bool:
    return request.group == group
