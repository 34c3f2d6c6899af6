"""The shape of rules about sums: at every place of one kind, a sum of charges stays within a limit.

Such a rule states its limits, once; the masks, the encoding, the check and the reasons below are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import ALL, Charge, Touched
from allocator.domain.places import Pool
from allocator.domain.request import Request
from allocator.domain.sizes import format_count
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.rule import Rows, Rule, Violation

if TYPE_CHECKING:
    from allocator.solver.model import Model

UNLIMITED: Final = 2**62
"""A limit that no sum reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """The sum of a charge is at most a limit, at every place of the charge's kind.

    With `where` the limit holds only where that sum is at least 1, with `unless` only where it is 0, with
    `arrivals` for newcomers only. What is above the limit is the violation's amount.
    """

    key: str
    """Tells a rule's limits apart."""
    what: str
    """What is summed, in words that follow a number."""
    charge: Charge
    at_most: Callable[[Any], int] | int
    """Of the pool or host; a plain number for `all` and failure domains."""
    where: Charge | None = None
    unless: Charge | None = None
    arrivals: bool = False
    show: Callable[[int], str] = format_count
    closed: str | None = None
    """What to say of a place that is closed, instead of what it has left."""
    disturbed: str | None = None
    """What to say where the newcomer adds nothing to the sum, but makes the limit hold."""

    def of(self, place: Any) -> int:
        """The limit at one place: never more than fits an array's cell, however far a total is oversold."""
        return min(self.at_most if isinstance(self.at_most, int) else self.at_most(place), UNLIMITED)

    def rows(self, fleet: Fleet) -> IntArray | int:
        return self.at_most if isinstance(self.at_most, int) else fleet.each(self.charge.over, self.of)

    def excess(self, total: IntArray, gate: IntArray | None, limit: IntArray | int) -> IntArray:
        """The amounts above the limit, where it holds."""
        over: IntArray = np.maximum(total - limit, 0)
        if gate is None:
            return over
        return np.where(gate >= 1 if self.where is not None else gate == 0, over, 0)

    @property
    def gate(self) -> Charge | None:
        return self.where if self.where is not None else self.unless


def named_domain(key: str, over: str, members: Callable[[Request], bool]) -> Limit:
    """Volumes that are told apart by a kind of failure domain lie on no pool that names none: it proves nothing."""
    sees = partial(_names_none, over, None, None)
    unnamed = Charge("volumes", "pool", partial(_names_none, over), sees, members)
    return Limit(f"{key}-named", "volumes", unnamed, 0, closed=f"name no {over}")


def _names_none(over: str, request: object, alternative: object, pool: Pool) -> int:
    return int(pool.domain(over) is None)


class LimitRule(Rule):
    """Sums of charges stay within limits."""

    sold: Limit | None = None
    """What the rule's places sell: the limit that balance, headroom and remedies look at."""
    sold_as: tuple[Literal["pools", "hosts"], str] | None = None
    """Where documents state it: the section and the key, which holds an `overcommit`."""

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        """The limits that concern one request. Each is made once, since sums are kept under its charges."""
        raise LookupError(f"Rule {self.name} states no limits.")

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._open("pool", (ask,), fleet, only)

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._open("host", asks, fleet, only)

    def _limits_of(self, asks: Iterable[Ask], inventory: Inventory) -> Iterable[Limit]:
        return self._limits_on((ask.request for ask in asks), inventory)

    def _open(self, over: str, asks: Sequence[Ask], fleet: Fleet, only: Rows) -> BoolArray | None:
        mask: BoolArray | None = None
        for limit in self._binding(over, asks, fleet):
            found = self._not_worse(limit, asks, fleet, only)
            if found is not None:
                mask = found if mask is None else mask & found
        return mask

    def _binding(self, over: str, asks: Sequence[Ask], fleet: Fleet) -> Iterable[Limit]:
        """The limits over such places that can close one to these asks."""
        found = [
            fleet.remember((self, over, "binding"), ask, partial(self._binding_on, over, ask, fleet))
            if self.local
            else self._binding_on(over, ask, fleet)
            for ask in asks
        ]
        return found[0] if len(found) == 1 else dict.fromkeys(limit for limits in found for limit in limits)

    def _binding_on(self, over: str, ask: Ask, fleet: Fleet) -> tuple[Limit, ...]:
        limits = self.limits(ask.request, fleet.inventory)
        return tuple(
            limit for limit in limits if (limit.charge.over == "host") == (over == "host") and _binds(limit, ask, fleet)
        )

    def _not_worse(self, limit: Limit, asks: Sequence[Ask], fleet: Fleet, only: Rows) -> BoolArray | None:
        """Where the amount of the limit's violation does not grow; None: nowhere does it."""
        if limit.gate is not None:
            return self._gated(limit, asks, fleet, only)
        rooms = [_lasting_room(limit, ask, fleet) for ask in asks]
        known = [room for room in rooms if room is not None]
        if not known:
            return None
        room = known[0] if len(known) == 1 else _room(limit, asks, fleet)
        assert room is not None
        room = room if only is None else room[only]
        if limit.arrivals:
            return room >= 0
        now = fleet.sums(limit.charge)
        return (now if only is None else now[only]) <= room

    def _gated(self, limit: Limit, asks: Sequence[Ask], fleet: Fleet, only: Rows) -> BoolArray | None:
        assert limit.gate is not None
        rows: Any = slice(None) if only is None else only
        more, most = fleet.amounts(limit.charge, asks)[rows], limit.rows(fleet)
        most = most if isinstance(most, int) else most[rows]
        now, gate = fleet.sums(limit.charge)[rows], fleet.sums(limit.gate)[rows]
        gate_then = gate + fleet.amounts(limit.gate, asks)[rows]
        mask: BoolArray = limit.excess(now + more, gate_then, most) <= limit.excess(now, gate, most)
        codes, _ = fleet.labels(limit.charge.over)
        mask |= codes[rows] < 0
        return mask

    def encode(self, model: Model) -> None:
        for limit in self._limits_of(model.asks(), model.inventory):
            total = model.total(limit.charge, count="arrivals" if limit.arrivals else "final")
            model.require_at_most(
                total,
                limit.of,
                where=None if limit.where is None else model.total(limit.where),
                unless=None if limit.unless is None else model.total(limit.unless),
            )

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        for limit in self._checked_limits(inventory, touched):
            for label, place in _labels(limit.charge, inventory, touched):
                amount = _amount(limit, label, place, inventory)
                if amount > 0:
                    yield Violation(self.name, (limit.key, limit.charge.over, label), amount, limit)

    def _checked_limits(self, inventory: Inventory, touched: Touched | None) -> Iterable[Limit]:
        if touched is not None:
            requests: Iterable[Request] = touched.requests
        else:
            requests = (volume.request for volume in inventory.all_volumes())
        return self._limits_on(requests, inventory)

    def _limits_on(self, requests: Iterable[Request], inventory: Inventory) -> Iterable[Limit]:
        found = {id(limit): limit for request in requests for limit in self.limits(request, inventory)}
        return found.values()

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        limit = violation.cause
        assert isinstance(limit, Limit)
        _, over, label = violation.subject
        place = inventory.hosts.get(label) if over == "host" else inventory.pools.get(label)
        total, most = _total(limit, label, inventory), limit.of(place)
        subject = f"{over} {label}" if over != ALL else ALL
        text = f"{subject} has {limit.show(total)} {limit.what}, at most {limit.show(most)}"
        if limit.closed is not None:
            text = f"{subject} would {limit.closed}" if limit.arrivals else f"{text}: it must not {limit.closed}"
        return Reason(self.name, label, {"total": total, "limit": most, "amount": violation.amount}, text)

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        disturbed: str | None = None
        for limit in self._limits_of(asks, fleet.inventory):
            if (limit.charge.over == "host") != (over == "host"):
                continue
            asked = int(fleet.amounts(limit.charge, asks)[rows].max())
            found = self._not_worse(limit, asks, fleet, rows)
            if found is None or found.all():
                continue
            if not asked:
                disturbed = disturbed or limit.disturbed
                continue
            if limit.closed is not None:
                return limit.closed
            most = limit.rows(fleet)
            left = (most if isinstance(most, int) else most[rows]) - fleet.sums(limit.charge)[rows]
            best = int(left.argmax())
            name = fleet.places(over)[rows[best]].name
            room = limit.show(max(0, int(left[best])))
            return f"have < {limit.show(asked)} {limit.what} left, most on {name}: {room}"
        return disturbed or f"break rule {self.name}"


def _room(limit: Limit, asks: Sequence[Ask], fleet: Fleet) -> IntArray | None:
    """What may lie at each place so that the asks still fit; None where they take nothing that is limited."""
    more, most = fleet.amounts(limit.charge, asks), limit.rows(fleet)
    codes, _ = fleet.labels(limit.charge.over)
    free = (more == 0) | (most >= UNLIMITED) | (codes < 0)
    return None if free.all() else np.where(free, UNLIMITED, most - more)


def _lasting_room(limit: Limit, ask: Ask, fleet: Fleet) -> IntArray | None:
    return fleet.remember(limit, ask, partial(_room, limit, (ask,), fleet))


def _binds(limit: Limit, ask: Ask, fleet: Fleet) -> bool:
    """Whether the ask counts for a limit, or for what the limit is tied to, wherever there is a limit."""
    if limit.gate is None:
        return _lasting_room(limit, ask, fleet) is not None
    return fleet.remember((limit, "binds"), ask, partial(_gate_binds, limit, limit.gate, ask, fleet))


def _gate_binds(limit: Limit, gate: Charge, ask: Ask, fleet: Fleet) -> bool:
    counts = (fleet.amounts(limit.charge, (ask,)) > 0) | (fleet.amounts(gate, (ask,)) > 0)
    return bool((counts & (np.asarray(limit.rows(fleet)) < UNLIMITED)).any())


def _total(limit: Limit, label: str, inventory: Inventory) -> int:
    charge = limit.charge
    if not limit.arrivals:
        return inventory.total(charge, label)
    return sum(
        charge.of(volume.request, volume.alternative, place)
        for volume in inventory.volumes_at("host" if charge.over == "host" else "pool", label)
        for name, place in inventory.places(volume, charge.over)
        if name == label and inventory.is_new(volume, charge.over, label)
    )


def _amount(limit: Limit, label: str, place: Any, inventory: Inventory) -> int:
    """What is above the limit at one place, 0 where the limit does not hold."""
    most = limit.of(place)
    if most >= UNLIMITED:
        return 0
    if limit.where is not None and inventory.total(limit.where, label) < 1:
        return 0
    if limit.unless is not None and inventory.total(limit.unless, label) > 0:
        return 0
    return max(0, _total(limit, label, inventory) - most)


def _labels(charge: Charge, inventory: Inventory, touched: Touched | None) -> Iterator[tuple[str, Any]]:
    """The places to be checked for a charge: (label, pool or host; None for `all` and failure domains)."""
    if charge.over == "host":
        hosts = list(inventory.hosts) if touched is None else sorted(touched.hosts)
        yield from ((name, inventory.hosts[name]) for name in hosts)
    elif charge.over == "pool":
        names = list(inventory.pools) if touched is None else sorted(touched.pools)
        yield from ((name, inventory.pools[name]) for name in names)
    elif charge.over == ALL:
        yield ALL, None
    else:
        pools = inventory.pools if touched is None else touched.pools
        labels = {inventory.pools[name].domain(charge.over) for name in pools}
        yield from ((label, None) for label in sorted(label for label in labels if label is not None))
