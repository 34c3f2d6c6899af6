"""Rule `apart`: the volumes of a group spread over failure domains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from allocator.arrays.stated import Stated
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import ALL, Charge, Touched, Volume, one_each
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Mark, Request
from allocator.failure_domains import named_domain
from allocator.limits import Limit, LimitRule
from allocator.rule import Violation

if TYPE_CHECKING:
    from allocator.solver.model import Model


class Wish:
    """What all volumes that state one wish under one group name have in common: the charges they are counted by."""

    def __init__(self, group: str, apart: Apart) -> None:
        self.key = f"{group}-{apart.over}-{apart.max_per_domain}-{apart.min_domains}"
        self.apart = apart
        mine = partial(_states, apart)
        mark: Mark = ("group", group)
        self.members = Charge(f"volumes of group {group}", apart.over, one_each, mark=mark, members=mine)
        self.everywhere = Charge(f"volumes of group {group}", ALL, one_each, mark=mark, members=mine)
        self.limits: list[Limit] = []
        if apart.max_per_domain is not None:
            closed = f"hold as much of group {group} as one {apart.over} may"
            limit = Limit(self.key, f"volumes of group {group}", self.members, apart.max_per_domain, closed=closed)
            self.limits.append(limit)
        if apart.over != "host":
            self.limits.append(named_domain(self.key, apart.over, mark, mine))


class ApartRule(LimitRule):
    """Rule: of the volumes that state one wish under one group name, at most `max_per_domain` lie in each pool, host or
    failure domain, and together they use at least `min_domains`.

    Formula: count in each domain <= max_per_domain; min(min_domains, volumes placed) - domains used <= 0, so that a
    group's first volumes are no violation. A pool that names no such domain takes none of them.

    Why: replicas that share a rack fail together.
    """

    name = "apart"
    reads = "groups"
    monotone = False
    local = False

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._wishes = Stated(_made, _has_members)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        wishes = self._wishes_of(request, inventory)
        return wishes[0].limits if len(wishes) == 1 else [limit for wish in wishes for limit in wish.limits]

    def mended(self, request: Request) -> bool:
        return request.group is not None and any(apart.min_domains is not None for apart in request.aparts)

    def encode(self, model: Model) -> None:
        super().encode(model)
        for wish in self._spread((ask.request for ask in model.asks()), model.inventory):
            most = wish.apart.min_domains or 0
            placed = model.capped(model.total(wish.everywhere), most)
            used = model.sum(model.capped(model.total(wish.members), 1))
            model.require_at_most(model.minus(placed, used), 0)

    def further(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        requests = touched.requests if touched is not None else [volume.request for volume in inventory.all_volumes()]
        for wish in self._spread(requests, inventory):
            placed = min(wish.apart.min_domains or 0, inventory.total(wish.everywhere, ALL))
            used = sum(number > 0 for number in inventory.totals(wish.members).values())
            if placed > used:
                yield Violation(self.name, (f"{wish.key}-spread", ALL, ALL), placed - used, wish)

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        return not any(self.mended(volume.request) for volume in arrivals)

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        wish = violation.cause
        if not isinstance(wish, Wish):
            return super().reason(violation, inventory)
        used = sum(number > 0 for number in inventory.totals(wish.members).values())
        text = f"{wish.members.name} use {used} of at least {wish.apart.min_domains} {wish.apart.over} domains"
        numbers = {"used": used, "limit": wish.apart.min_domains or 0, "amount": violation.amount}
        return Reason(self.name, wish.members.name, numbers, text)

    def _wishes_of(self, request: Request, inventory: Inventory) -> list[Wish]:
        group = request.group
        return [] if group is None else [self._wishes.of((group, apart), inventory) for apart in request.aparts]

    def _spread(self, requests: Iterable[Request], inventory: Inventory) -> list[Wish]:
        """The wishes among these requests that ask for several domains, each once."""
        spread = [request for request in requests if any(apart.min_domains for apart in request.aparts)]
        wishes = {id(wish): wish for request in spread for wish in self._wishes_of(request, inventory)}
        return [wish for wish in wishes.values() if wish.apart.min_domains]


def _made(stated: tuple[str, Apart]) -> Wish:
    return Wish(*stated)


def _has_members(stated: tuple[str, Apart], inventory: Inventory) -> bool:
    return any(True for _ in inventory.members(stated[0]))


def _states(apart: Apart, request: Request) -> bool:
    return apart in request.aparts
