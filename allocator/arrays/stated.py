"""What rules make of each wish that volumes state about a group, for as long as somebody states it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from allocator.domain.inventory import Inventory

MOST_STATED: Final = 10_000
"""Wishes that are kept whether anybody states them or not; beyond it those that nobody states are forgotten."""
Wish = TypeVar("Wish", bound=Hashable)
Made = TypeVar("Made")


class Stated(Generic[Wish, Made]):
    """Made once for each wish: sums are kept under what it names, so that it must stay the same while they last."""

    def __init__(self, make: Callable[[Wish], Made], lasts: Callable[[Wish, Inventory], bool]) -> None:
        self._make, self._lasts = make, lasts
        self._made: dict[Wish, Made] = {}
        self._most = MOST_STATED

    def __len__(self) -> int:
        return len(self._made)

    def of(self, wish: Wish, inventory: Inventory) -> Made:
        """What was made of the wish."""
        found = self._made.get(wish)
        if found is None:
            if len(self._made) >= self._most:
                self._made = {known: made for known, made in self._made.items() if self._lasts(known, inventory)}
                self._most = max(MOST_STATED, 2 * len(self._made))
            found = self._made[wish] = self._make(wish)
        return found
