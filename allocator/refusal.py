"""Why a VM was refused: counts of what closes each place, the fewest rules that do, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property, partial

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Count, Refusal, RefusalKind, Remedy
from allocator.domain.places import Place
from allocator.domain.request import Request
from allocator.domain.sizes import format_factor
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.goal import Tiers
from allocator.limits import UNLIMITED, LimitRule
from allocator.rank import Beyond, Choice, rank
from allocator.rule import Rows, Rule
from allocator.screen import Screen


class Refusing:
    """Explains refusals against one inventory. Nothing is guessed: every claim is found by placing again."""

    def __init__(self, inventory: Inventory, rules: Sequence[Rule], tiers: Tiers, screen: Screen | None = None) -> None:
        self.inventory, self.rules, self.tiers = inventory, rules, tiers
        self.screen = screen if screen is not None else Screen(Fleet(inventory), rules)
        """Of all rules over the inventory: one that is there already, if there is one."""
        self.fleet = self.screen.fleet

    def refusals(
        self, requests: Sequence[Request], kind: RefusalKind | None = None, *, brief: bool = False
    ) -> list[Refusal]:
        """One refusal for each request of a VM that `rank` cannot place; a brief one counts, and reasons no further."""
        kind = kind or (RefusalKind.NO_ROOM if self._fits_empty_fleet(requests) else RefusalKind.NEVER)
        because = [] if brief else self.because(requests)
        remedies = tuple(self._remedies(requests, because))
        alike = {request.shape: request for request in reversed(requests)}
        histograms = {shape: tuple(self.histogram(request, requests)) for shape, request in alike.items()}
        return [
            Refusal(
                request=request.name,
                kind=kind,
                because=tuple(rule.name for rule in because),
                pools=len(self.fleet.pools),
                histogram=histograms[request.shape],
                remedies=remedies,
            )
            for request in requests
        ]

    def because(self, requests: Sequence[Request]) -> list[Rule]:
        """Rules that together refuse the VM, and none of which can be dropped: found by dropping each in turn."""
        kept = list(self.rules)
        for rule in reversed(self.rules):
            fewer = [other for other in kept if other is not rule]
            if self._rank(requests, fewer) is None:
                kept = fewer
        return kept

    def histogram(self, request: Request, requests: Sequence[Request]) -> list[Count]:
        """What closes each pool to the request and each host to its VM; the nearest miss of a place counts."""
        screen = self.screen
        coming = frozenset(other.group for other in requests if other.group is not None)
        asks = screen.asks(request, coming)
        levels = [self._pool_levels(ask, screen) for ask in asks]
        counts = self._counts(levels, [(ask,) for ask in asks], "pool")
        if request.attaches:
            # By a choice for which no pool is open, it is of no interest that hosts are.
            hopeful = {ask.asked.index for ask, level in zip(asks, levels, strict=True) if self._any_open(level)}
            parties = _parties([screen.asks(other, coming) for other in requests])
            mine = requests.index(request)
            parties = [party for party in parties if party[mine].asked.index in hopeful] or parties
            counts += self._counts([self._host_levels(party) for party in parties], parties, "host")
        return sorted(counts, key=lambda count: (-count.pools, -count.hosts, count.text))

    def _pool_levels(self, ask: Ask, screen: Screen) -> IntArray:
        """For each pool the first rule that closes it; len(rules) where none does, -1 where it keeps another ask."""
        levels = self._levels([partial(rule.open_pools, ask, self.fleet) for rule in self.rules], len(self.fleet.pools))
        levels[~self.fleet.keeps(ask)] = -1
        if ask.request.attaches:
            unreached = ~screen.reached(screen.hosts((ask,)))
            levels[unreached & (levels == len(self.rules))] = self._reach
        return levels

    def _any_open(self, levels: IntArray) -> bool:
        """Whether a pool is closed by nothing but its hosts."""
        return bool(np.isin(levels, (self._reach, len(self.rules))).any())

    def _host_levels(self, asks: Sequence[Ask]) -> IntArray:
        return self._levels([partial(rule.open_hosts, asks, self.fleet) for rule in self.rules], len(self.fleet.hosts))

    def _levels(self, opens: Sequence[Callable[[Rows], BoolArray | None]], size: int) -> IntArray:
        """For each place the first rule that closes it: each is asked about those that no rule before it closed."""
        levels = np.full(size, len(self.rules), dtype=np.int64)
        left: Rows = None
        for number, open_ in enumerate(opens):
            mask = open_(left)
            if mask is None or mask.all():
                continue
            rows = np.arange(size) if left is None else left
            levels[rows[~mask]] = number
            left = rows[mask]
        return levels

    @property
    def _reach(self) -> int:
        """The rule that speaks for pools that are open but that no open host reaches."""
        names = [rule.name for rule in self.rules]
        return names.index("reach") if "reach" in names else len(names)

    def _counts(self, levels: Sequence[IntArray], asks: Sequence[Sequence[Ask]], over: str) -> list[Count]:
        if not levels or not len(levels[0]):
            return []
        table = np.stack(levels)
        best, furthest = table.argmax(axis=0), table.max(axis=0)
        counts = []
        for number in _distinct(furthest):
            if number == len(self.rules):
                continue
            for way in _distinct(best[furthest == number]):
                rows = np.flatnonzero((furthest == number) & (best == way))
                text = self.rules[number].phrase(asks[way], self.fleet, rows, over)
                pools, hosts = (len(rows), 0) if over == "pool" else (0, len(rows))
                counts.append(Count(self.rules[number].name, pools, hosts, text))
        return counts

    def _remedies(self, requests: Sequence[Request], because: Sequence[Rule]) -> Iterable[Remedy]:
        """For each rule that sells something: how much more overcommit would do, tried out."""
        for rule in because:
            if isinstance(rule, LimitRule) and rule.sold is not None and rule.sold_as is not None:
                remedy = self._more_overcommit(requests, rule)
                if remedy is not None:
                    yield remedy

    def _more_overcommit(self, requests: Sequence[Request], rule: LimitRule) -> Remedy | None:
        choice = self._rank(requests, [other for other in self.rules if other is not rule])
        if choice is None or rule.sold is None or rule.sold_as is None:
            return None
        section, key = rule.sold_as
        after = self.inventory.plus(choice.volumes)
        places: list[Place] = []
        changes, texts = [], []
        for name in sorted({label for v in choice.volumes for label, _ in after.places(v, rule.sold.charge.over)}):
            place = self.inventory.pools[name] if section == "pools" else self.inventory.hosts[name]
            needed, most, amount = after.total(rule.sold.charge, name), rule.sold.of(place), getattr(place, key)
            if needed <= most or not 0 < most < UNLIMITED:
                continue
            base = Fraction(most) / amount.overcommit
            factor = Fraction(-(-needed * 100 // base), 100)
            places.append(replace(place, **{key: replace(amount, overcommit=factor)}))
            changes.append({"name": name, key: {"overcommit": format_factor(factor)}})
            texts.append(f"{name}'s {rule.name.removeprefix('host_')} overcommit to {format_factor(factor)}")
        if not changes or _changed(self, places)._rank(requests, self.rules) is None:
            return None
        return Remedy(f"Maybe raise {' and '.join(texts)}.", True, {"version": 1, section: changes})

    def _rank(self, requests: Sequence[Request], rules: Sequence[Rule]) -> Choice | None:
        try:
            return rank(requests, self.screen if rules is self.rules else Screen(self.fleet, rules), self.tiers)
        except Beyond:
            return None

    def _fits_empty_fleet(self, requests: Sequence[Request]) -> bool:
        return self._empty._rank(requests, self.rules) is not None

    @cached_property
    def _empty(self) -> Refusing:
        """The same question on a fleet that holds nothing."""
        return Refusing(self.inventory.copy(without=self.inventory.volumes), self.rules, self.tiers)


def _changed(refusing: Refusing, places: Sequence[Place]) -> Refusing:
    """The same question on an inventory in which some places are other than they are."""
    return Refusing(refusing.inventory.copy(instead=places), refusing.rules, refusing.tiers)


def _parties(asks: Sequence[Sequence[Ask]]) -> list[tuple[Ask, ...]]:
    """The VM by everybody's first choice, and by everybody's last."""
    if not all(asks):
        return []
    return list(dict.fromkeys((tuple(ways[0] for ways in asks), tuple(ways[-1] for ways in asks))))


def _distinct(levels: IntArray) -> list[int]:
    """The different numbers among many small ones, from -1 on, in their order: they are counted, not sorted."""
    found: list[int] = (np.flatnonzero(np.bincount(levels + 1)) - 1).tolist()
    return found
