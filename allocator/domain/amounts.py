"""What volumes add to sums at places, worked out once for equal wishes at places that look alike to every charge."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from allocator.domain.placement import Charge, Volume
from allocator.domain.places import Host, Place

MOST_KNOWN: Final = 100_000
"""Wishes of which is kept what they add at places of one kind; beyond it all are forgotten."""
Sum = TypeVar("Sum")
Added = TypeVar("Added")
Known = dict[tuple[object, ...], tuple[Added, ...]]


class Amounts(Generic[Sum, Added]):
    """Some charges, each with the sum that is kept of it; `gather` says how what is added to several is kept."""

    def __init__(self, gather: Callable[[Sequence[tuple[Sum, int]]], tuple[Added, ...]]) -> None:
        self._gather = gather
        self._over: dict[bool, list[tuple[Charge, Sum]]] = {False: [], True: []}
        self._narrowed: dict[bool, list[tuple[Charge, Sum]]] = {False: [], True: []}
        self._kinds: dict[Hashable, Known[Added]] = {}
        self._at: dict[Place, Known[Added]] = {}
        self._size = 0

    def include(self, charge: Charge, kept: Sum) -> None:
        """From now on this charge is one of them."""
        plain = charge.mark is None and charge.members is None
        (self._over if plain else self._narrowed)[charge.over == "host"].append((charge, kept))
        if plain:
            self._forget()

    def of(self, volume: Volume, place: Place) -> Sequence[Added]:
        """The sums that a volume adds to at a place, and how much."""
        request, alternative = volume.request, volume.alternative
        at_host = isinstance(place, Host)
        key = (request.wishes, alternative, request.host_resources) if at_host else (request.wishes, alternative)
        known = self._at.get(place)
        if known is None:
            known = self._at[place] = self._kinds.setdefault(self._seen(place, at_host), {})
        found = known.get(key)
        if found is None:
            if self._size >= MOST_KNOWN:
                self._forget()
                known = {}
            found = known[key] = self._gather(_added(self._over[at_host], volume, place))
            self._size += 1
        narrowed = self._narrowed[at_host]
        return (*found, *self._gather(_added(narrowed, volume, place))) if narrowed else found

    def _seen(self, place: Place, at_host: bool) -> Hashable:
        return at_host, tuple([charge.sees(place) for charge, _ in self._over[at_host]])

    def _forget(self) -> None:
        self._kinds.clear()
        self._at.clear()
        self._size = 0


def _added(charges: Sequence[tuple[Charge, Sum]], volume: Volume, place: Place) -> Sequence[tuple[Sum, int]]:
    amounts = [(kept, charge.of(volume.request, volume.alternative, place)) for charge, kept in charges]
    return [(kept, amount) for kept, amount in amounts if amount]
