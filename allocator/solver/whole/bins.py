"""Things, the places they may go to, and what they take there of sums that are limited: as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocator.fleet import BoolArray, IntArray
from allocator.solver.bulk.room import Need, Shelf


@dataclass(frozen=True, eq=False)
class Bins:
    """One thing goes to one place. Sums that no choice can bring above a limit are left out."""

    room: IntArray
    """[place, sum]: what is left before any of the things come, never below 0."""
    takes: IntArray
    """[thing, place, sum]"""
    open: BoolArray
    """[thing, place]"""

    @classmethod
    def of(cls, shelf: Shelf, needs: Sequence[Need], opened: BoolArray) -> Bins:
        """Things with these needs on a shelf: of its sums those of single places that are limited by themselves."""
        rows = [row for row, plain in enumerate(shelf.plain) if plain and row not in shelf.wide]
        takes = np.zeros((len(needs), shelf.places, len(shelf.plain)), dtype=np.int64)
        for thing, need in enumerate(needs):
            takes[thing][:, need.rows] = need.amounts.T
        takes = takes[:, :, rows]
        most = np.where(opened[:, :, None], takes, 0).sum(axis=0)
        room = np.minimum(np.maximum(shelf.left[rows].T, 0), most)
        binding = (most > room).any(axis=0)
        return cls(room[:, binding], takes[:, :, binding], opened)

    @cached_property
    def spare(self) -> IntArray:
        """By sum, what all places have beyond what all things take at the least; below 0: they cannot all come."""
        least = np.where(self.open[:, :, None], self.takes, np.iinfo(np.int64).max).min(axis=1, initial=2**62)
        spare: IntArray = self.room.sum(axis=0) - least.sum(axis=0)
        return spare

    @property
    def hopeless(self) -> bool:
        """Whether some thing has nowhere to go, or all together take more than there is."""
        return not self.open.any(axis=1).all() or bool((self.spare < 0).any())

    def left(self, at: IntArray) -> IntArray:
        """[place, sum]: what is left with each thing at its place; below 0 where that is too much."""
        left = self.room.copy()
        np.subtract.at(left, at, self.takes[np.arange(len(at)), at])
        return left
