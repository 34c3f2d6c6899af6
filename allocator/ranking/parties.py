"""What volumes of one VM meet together on hosts, as far as it rests on documents: worked out once for all that are one
to hosts, whatever they are to pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from allocator.domain.lazily import lazily
from allocator.fleet import MOST_CELLS, Ask, IntArray
from allocator.goal import Cost
from allocator.ranking.pricing import Pricing
from allocator.ranking.seats import Seat
from allocator.ranking.slices import Pattern
from allocator.rule import Rows, Rule
from allocator.slack import Sieve, Slack, Slacks

Demands = tuple[object, ...]
"""What a VM's requests demand of its host."""


@dataclass(slots=True, eq=False)
class Terms:
    """What is asked of hosts."""

    slacks: Slacks
    rules: Sequence[Rule]
    """Those that are not about sums."""
    lower: Cost
    """No host costs less."""
    free: Slacks | None
    """Where all of these hold, a host costs `lower`; None: not known."""
    whole: bool = False
    """Whether it is of all hosts, the same for each, and so to be cut only where all of some are asked at once."""

    def cells(self, rows: IntArray) -> int:
        """How many numbers it keeps of so many hosts."""
        return 2 * len(rows) * (len(self.slacks) + len(self.free or ()))

    @property
    def even(self) -> bool:
        """Whether it is the same for all hosts."""
        return self.slacks.even and (self.free is None or self.free.even)

    def at(self, rows: IntArray) -> Terms:
        """Of some hosts."""
        if not self.whole:
            return self
        free = None if self.free is None else self.free.at(rows)
        return Terms(self.slacks.at(rows), self.rules, self.lower, free)


@dataclass(eq=False)
class Turn:
    """What some demands add to what is asked of the hosts of a party."""

    rows: IntArray
    terms: Terms
    sieve: Sieve | None = None
    """Tells which hosts are free; None: that is not the same for all hosts, or not known."""
    first: int = -1
    """The place of the first host that was free when it was last found out; -1: there was none."""
    found: int = -1
    """How many volumes had left the fleet by then; -1: nothing was found out."""

    @lazily
    def here(self) -> Terms:
        """The same of just these hosts."""
        return self.terms.at(self.rows)


@dataclass(eq=False)
class Party:
    """Some hosts of a seat that documents leave open to patterns together, and what decides between them."""

    footprints: tuple[int, ...]
    asks: Sequence[Ask]
    rows: IntArray
    terms: Terms
    turns: dict[Demands, Turn] = field(default_factory=dict)

    @lazily
    def here(self) -> Terms:
        """The terms of just these hosts."""
        return self.terms.at(self.rows)


class Parties:
    """All that were met so far."""

    def __init__(self, pricing: Pricing, demanding: Sequence[Rule]) -> None:
        """`demanding` are the rules that must hear what a VM demands of its host."""
        self.pricing, self.fleet = pricing, pricing.fleet
        self._demanding = demanding
        self._known: dict[tuple[Seat, int, tuple[int, ...]], Party] = {}
        self._even: dict[object, Terms | None] = {}
        """What was asked of all hosts together; None: it is not the same for all."""
        self._sieves: dict[tuple[tuple[int, ...], Demands], Sieve | None] = {}
        self._cells = 0

    def at(self, patterns: Sequence[Pattern], seat: Seat, piece: int) -> Party:
        """What patterns meet together on one piece of a seat's hosts."""
        footprints = tuple(sorted([pattern.footprint for pattern in patterns]))
        key = seat, piece, footprints
        found = self._known.get(key)
        if found is None:
            if self._cells >= MOST_CELLS:
                self.clear()
            asks, rows = [pattern.ask for pattern in patterns], seat.hosts[piece]
            for hosts in {id(p): p.hosts for p in patterns if p.hosts is not None}.values():
                rows = rows[hosts[rows]]
            found = self._known[key] = Party(footprints, asks, rows, self._terms(footprints, patterns, asks, rows))
            self._cells += len(rows)
        return found

    def turn(self, party: Party, demands: Demands, asks: Callable[[], Sequence[Ask]]) -> Turn:
        """What these asks demand of their host besides."""
        found = party.turns.get(demands)
        if found is None:
            if demands not in self._even:
                self._even[demands] = _if_even(self._demanded(asks(), None))
            even = self._even[demands]
            terms = self._demanded(asks(), party.rows) if even is None else even
            found = party.turns[demands] = Turn(party.rows, terms, self._sieve(party, demands))
            self._cells += terms.cells(party.rows)
        return found

    def _sieve(self, party: Party, demands: Demands) -> Sieve | None:
        key = party.footprints, demands
        if key not in self._sieves:
            met, demanded = self._even[party.footprints], self._even[demands]
            if met is None or demanded is None or met.free is None:
                self._sieves[key] = None
            else:
                self._sieves[key] = Sieve((*met.slacks, *demanded.slacks, *met.free), self.fleet)
        return self._sieves[key]

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()
        self._even.clear()
        self._sieves.clear()
        self._cells = 0

    def _terms(self, who: object, patterns: Sequence[Pattern], asks: Sequence[Ask], rows: IntArray) -> Terms:
        """What patterns meet on some hosts; on all, where that is the same for all."""
        rules = dict.fromkeys([rule for pattern in patterns for rule in pattern.bound_by])
        if who not in self._even:
            together = all(pattern.even for pattern in patterns)
            self._even[who] = _if_even(self._met(asks, rules, None)) if together else None
        even = self._even[who]
        terms = self._met(asks, rules, rows) if even is None else even
        self._cells += terms.cells(rows)
        return terms

    def _met(self, asks: Sequence[Ask], rules: Iterable[Rule], rows: Rows) -> Terms:
        slacks, asked = self._heard(asks, rules, rows)
        lasting = self.pricing.lasting("host", asks, rows)
        even = all(isinstance(cost, int) for cost in lasting)
        free = self.pricing.free("host", asks, rows) if even else None
        return Terms(slacks, asked, self.pricing.lower(lasting), free)

    def _demanded(self, asks: Sequence[Ask], rows: Rows) -> Terms:
        return Terms(*self._heard(asks, self._demanding, rows), self.pricing.nothing, None)

    def _heard(self, asks: Sequence[Ask], rules: Iterable[Rule], rows: Rows) -> tuple[Slacks, list[Rule]]:
        slacks: list[Slack] = []
        asked = []
        for rule in rules:
            found = rule.slacks("host", asks, self.fleet, rows)
            if found is None:
                asked.append(rule)
            slacks += found or ()
        return Slacks(slacks), asked


def _if_even(terms: Terms) -> Terms | None:
    return replace(terms, whole=True) if terms.even else None
