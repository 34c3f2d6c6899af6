"""The shape of rules about sums: at every place of one kind, a sum of charges stays within a limit.

Such a rule states its limits, once; the masks, the encoding, the check and the reasons below are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from allocator.arrays.adding import hashable, where
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import ALL, Charge, Touched
from allocator.domain.request import Request
from allocator.domain.sizes import format_count
from allocator.excess import excess, stated, total
from allocator.fleet import Ask, BoolArray, Figure, Fleet, IntArray
from allocator.rule import Over, Rows, Rule, Violation
from allocator.slack import ENDLESS, Gate, Slack

if TYPE_CHECKING:
    from allocator.solver.model import Model

UNLIMITED: Final = ENDLESS
"""A limit that no sum reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """The sum of a charge is at most a limit, at every place of the charge's kind.

    With `where` the limit holds only where that sum is at least 1, with `unless` only where it is 0, with
    `arrivals` for newcomers only, and with `held` for those that leave as well. What is above the limit is the
    violation's amount.
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
    held: bool = False
    """What leaves a place by the change counts there as well, as if all moves were under way at once."""
    show: Callable[[int], str] = format_count
    closed: str | None = None
    """What to say of a place that is closed, instead of what it has left."""
    unnamed: str | None = None
    """The kind of failure domain without which something is summed at all: nowhere, where all pools name one."""
    disturbed: str | None = None
    """What to say where the newcomer adds nothing to the sum, but makes the limit hold."""

    def of(self, place: Any) -> int:
        """The limit at one place: never more than fits an array's cell, however far a total is oversold."""
        return min(self.at_most if isinstance(self.at_most, int) else self.at_most(place), UNLIMITED)

    def rows(self, fleet: Fleet, only: Rows = None) -> Figure:
        """The limit at each row."""
        return self.at_most if isinstance(self.at_most, int) else fleet.each(self.charge.over, self.of, only)

    def slack(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Slack | None:
        """Where the violation does not grow by these asks together; None: nowhere does it."""
        if self.unnamed is not None and not fleet.has_gaps(self.unnamed):
            return None
        more = fleet.amounts(self.charge, asks, only)
        nothing = more == 0
        if self.gate is None and nothing is True:
            return None
        most = self.rows(fleet, only)
        index = fleet.index(self.charge.over, only)
        # Where a row has no label there is nothing that could be summed.
        never = (most >= UNLIMITED) | (index < 0) if fleet.has_gaps(self.charge.over) else most >= UNLIMITED
        if self.gate is None:
            room = where(nothing | never, UNLIMITED, most - more)
            return None if _endless(room) else Slack(None if self.arrivals else self.charge, index, room)
        gated = fleet.index(self.gate.over, only)
        return self._gated(
            more, fleet.amounts(self.gate, asks, only), most, never, index, partial(Gate, self.gate, gated)
        )

    def _gated(
        self,
        more: Figure,
        comes: Figure,
        most: Figure,
        never: BoolArray | bool,
        index: IntArray,
        between: Callable[[Figure, Figure], Gate],
    ) -> Slack | None:
        if self.where is not None:
            # Who makes the limit hold minds what lies above it; who adds to the sum minds the limit where it holds.
            free, least = (more == 0) & (comes == 0), where(comes == 0, 1, 0)
            highest = where(more == 0, 0, UNLIMITED)
        else:
            free, least, highest = (more == 0) | (comes > 0), 0, 0
        room = where(free | never, UNLIMITED, most - more)
        return None if _endless(room) else Slack(self.charge, index, room, between(least, highest))

    @property
    def counts(self) -> Literal["final", "arrivals", "held"]:
        """Which volumes are summed."""
        return "arrivals" if self.arrivals else "held" if self.held else "final"

    @property
    def gate(self) -> Charge | None:
        return self.where if self.where is not None else self.unless


class LimitRule(Rule):
    """Sums of charges stay within limits."""

    sold: Limit | None = None
    """What the rule's places sell: the limit that balance, headroom and remedies look at."""
    sold_as: tuple[Literal["pools", "hosts"], str] | None = None
    """Where documents state it: the section and the key, which holds an `overcommit`."""

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        """The limits that concern one request. Each is made once, since sums are kept under its charges."""
        raise LookupError(f"Rule {self.name} states no limits.")

    def concerned(self, request: Request, inventory: Inventory) -> bool:
        return next(iter(self.limits(request, inventory)), None) is not None

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._open("pool", (ask,), fleet, only)

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        return self._open("host", asks, fleet, only)

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack]:
        found = []
        for limit in self._binding(over, asks, fleet):
            slack = limit.slack(asks, fleet, only)
            if slack is not None:
                found.append(slack)
        return found

    def footprint(self, ask: Ask, fleet: Fleet) -> Hashable:
        charges = (charge for limit in self._limits_over("host", ask, fleet) for charge in (limit.charge, limit.gate))
        return tuple(charge and (charge, hashable(fleet.amounts(charge, (ask,)))) for charge in charges)

    def _open(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows) -> BoolArray | None:
        if only is None:
            slacks = self.slacks(over, asks, fleet)
        else:
            # Which limits can bind anywhere is a question to all places, and dearer than to ask them all at a few.
            limits = dict.fromkeys(limit for ask in asks for limit in self._limits_over(over, ask, fleet))
            slacks = [slack for limit in limits if (slack := limit.slack(asks, fleet, only)) is not None]
        if not slacks:
            return None
        mask: BoolArray = np.logical_and.reduce([slack.holds(fleet) for slack in slacks])
        return mask

    def _binding(self, over: Over, asks: Sequence[Ask], fleet: Fleet) -> Collection[Limit]:
        """The limits over such places that can close one to these asks."""
        if len(asks) == 1:
            return self._binding_on(over, asks[0], fleet)
        return dict.fromkeys(limit for ask in asks for limit in self._binding_on(over, ask, fleet))

    def _binding_on(self, over: Over, ask: Ask, fleet: Fleet) -> tuple[Limit, ...]:
        if self.reads in ("groups", "all") or (self.reads == "demands" and over == "host"):
            return tuple(self._limits_over(over, ask, fleet))
        return fleet.remember((self, over, "binding"), ask, partial(self._found_binding, over, ask, fleet))

    def _found_binding(self, over: Over, ask: Ask, fleet: Fleet) -> tuple[Limit, ...]:
        return tuple(limit for limit in self._limits_over(over, ask, fleet) if limit.slack((ask,), fleet) is not None)

    def _limits_over(self, over: Over, ask: Ask, fleet: Fleet) -> list[Limit]:
        at_hosts = over == "host"
        limits = self.limits(ask.request, fleet.inventory)
        return [limit for limit in limits if (limit.charge.over == "host") == at_hosts]

    def encode(self, model: Model) -> None:
        for limit in self.limits_on((ask.request for ask in model.asks()), model.inventory):
            total = model.total(limit.charge, limit.counts)
            model.require_at_most(
                total,
                min(limit.at_most, UNLIMITED) if isinstance(limit.at_most, int) else limit.of,
                where=None if limit.where is None else model.total(limit.where),
                unless=None if limit.unless is None else model.total(limit.unless),
            )

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        limits = self._checked_limits(inventory, touched)
        for limit, most, label in stated(limits, inventory, touched):
            amount = excess(limit, most, label, inventory)
            if amount > 0:
                yield Violation(self.name, (limit.key, limit.charge.over, label), amount, limit)
        yield from self.further(inventory, touched)

    def further(self, inventory: Inventory, touched: Touched | None = None) -> Iterable[Violation]:
        """What is broken that is no sum: for a rule that says more than its limits."""
        return ()

    def _checked_limits(self, inventory: Inventory, touched: Touched | None) -> Collection[Limit]:
        if touched is not None:
            requests: Iterable[Request] = touched.requests
        else:
            requests = (volume.request for volume in inventory.all_volumes())
        return self.limits_on(requests, inventory)

    def limits_on(self, requests: Iterable[Request], inventory: Inventory) -> Collection[Limit]:
        """The limits that concern these requests, each once: the very tuple that a rule keeps for all, if it does."""
        found: dict[int, Iterable[Limit]] = {}
        for request in requests:
            limits = self.limits(request, inventory)
            if limits:
                found[id(limits)] = limits
        if not found:
            return ()
        if len(found) == 1:
            (only,) = found.values()
            if isinstance(only, tuple):
                return only
        return {id(limit): limit for limits in found.values() for limit in limits}.values()

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        limit = violation.cause
        assert isinstance(limit, Limit)
        _, over, label = violation.subject
        place = inventory.hosts.get(label) if over == "host" else inventory.pools.get(label)
        summed, most = total(limit, label, inventory), limit.of(place)
        subject = f"{over} {label}" if over != ALL else ALL
        text = f"{subject} has {limit.show(summed)} {limit.what}, at most {limit.show(most)}"
        if limit.closed is not None:
            text = f"{subject} would {limit.closed}" if limit.arrivals else f"{text}: it must not {limit.closed}"
        return Reason(self.name, label, {"total": summed, "limit": most, "amount": violation.amount}, text)

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        disturbed: str | None = None
        for limit in self.limits_on((ask.request for ask in asks), fleet.inventory):
            if (limit.charge.over == "host") != (over == "host"):
                continue
            slack = limit.slack(asks, fleet, rows)
            if slack is None or slack.holds(fleet).all():
                continue
            asked = int(np.max(fleet.amounts(limit.charge, asks, rows)))
            if not asked:
                disturbed = disturbed or limit.disturbed
                continue
            if limit.closed is not None:
                return limit.closed
            left = limit.rows(fleet, rows) - fleet.sums(limit.charge)[rows]
            best = int(left.argmax())
            name = fleet.places(over)[rows[best]].name
            room = limit.show(max(0, int(left[best])))
            return f"have < {limit.show(asked)} {limit.what} left, most on {name}: {room}"
        return disturbed or f"break rule {self.name}"


def _endless(room: Figure) -> bool:
    return room >= UNLIMITED if isinstance(room, int) else bool((room >= UNLIMITED).all())
