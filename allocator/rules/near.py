"""Rule `near`: a volume's domain also holds a volume of another group."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial

from allocator.arrays.stated import Stated
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, one_each
from allocator.domain.policy import Policy
from allocator.domain.request import Mark, Near, Request
from allocator.failure_domains import named_domain
from allocator.fleet import Ask, Fleet
from allocator.limits import Limit, LimitRule
from allocator.rule import Over, Rows
from allocator.slack import Slack


class NearRule(LimitRule):
    """Rule: where a volume that wants to be near a group lies, a volume of that group lies as well.

    Formula: volumes that want it <= 0 in a domain, unless volumes of the group there >= 1. A pool that names no such
    domain takes none of them.

    Why: a log beside its database saves the network between rows and zones. Adding a volume of the group mends
    it, so the rule closes nothing to a volume while members of the group are still being placed.
    """

    name = "near"
    reads = "groups"
    monotone = False
    local = False

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._made = Stated(_limits, _is_wanted)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        if not request.nears and request.group is None:
            return ()
        found = [limit for near in request.nears for limit in self._made.of(near, inventory)]
        if request.group is not None:
            # A member of the group mends or, when it leaves, breaks what others of the inventory want.
            wanting = inventory.wanting(request.group)
            wanted = {near for volume in wanting for near in volume.request.nears if near.group == request.group}
            for near in sorted(wanted, key=str):
                found += self._made.of(near, inventory)
        return found

    def limits_on(self, requests: Iterable[Request], inventory: Inventory) -> Collection[Limit]:
        """As any rule's, but who wants to be near a group is looked up once for all of its members."""
        unlike = {(request.group, request.nears): request for request in requests}
        return super().limits_on(unlike.values(), inventory)

    def mended(self, request: Request) -> bool:
        return bool(request.nears)

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack]:
        settled = [ask for ask in asks if not self._still_coming(ask)]
        return super().slacks(over, settled, fleet, only) if settled else ()

    @staticmethod
    def _still_coming(ask: Ask) -> bool:
        return any(near.group in ask.coming for near in ask.request.nears)


def _limits(near: Near) -> tuple[Limit, ...]:
    mark: Mark = ("near", near.group)
    wants = partial(_wants, near)
    wanting = Charge(f"volumes near group {near.group}", near.over, one_each, mark=mark, members=wants)
    group = Charge(f"volumes of group {near.group}", near.over, one_each, mark=("group", near.group))
    key, closed = f"{near.group}-{near.over}", f"have no volume of group {near.group} in their {near.over}"
    limit = Limit(key, f"volumes that want group {near.group} near", wanting, 0, unless=group, closed=closed)
    return (limit, named_domain(key, near.over, mark, wants)) if near.over != "host" else (limit,)


def _is_wanted(near: Near, inventory: Inventory) -> bool:
    return any(True for _ in (*inventory.wanting(near.group), *inventory.members(near.group)))


def _wants(near: Near, request: Request) -> bool:
    return near in request.nears
