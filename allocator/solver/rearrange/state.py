"""What the search knows, as arrays: V volumes that may move, M pools, D sums, C tallies of groups.

Volumes and pools are numbered. Volumes that need the same of every pool share a `like`, pools on which every volume
needs the same a `kind`, volumes that are counted by the same tallies a `party`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
CROWD: Final = 1
"""A tally is at most `crowd` at each label."""
WANTS: Final = 2
"""A tally is at most `crowd` at each label where its partner's is 0."""
PROVIDES: Final = 4
"""The partner of one that wants."""
SPREAD: Final = 8
"""A tally is above 0 at no fewer than `least` labels."""
COST: Final = 0
"""Of `figures`: what all costs now, what is broken included."""
BEST: Final = 1
"""What the best answer cost that breaks nothing."""
BAD: Final = 2
"""How many limits of sums are passed."""
WRONG: Final = 3
"""By how much limits of groups are passed."""
HIGHEST: Final = 4
"""The most moves of any team."""
JOURNAL: Final = 5
"""How many volumes have moved since the best answer was kept."""
TOLL: Final = 6
"""What COST counts beyond the true cost, for volumes that are away."""


class State(NamedTuple):
    """All arrays of 64-bit whole numbers where nothing else is said."""

    at: Ints
    """[V] the pool of each volume now."""
    best: Ints
    """[V] and in the best answer so far."""
    home: Ints
    """[V] and before."""
    journal: Ints
    """Volumes that have moved since `best` was kept."""
    like: Ints
    """[V]"""
    screen: Ints
    """[V] the row of `open` that says where it may go."""
    open: NDArray[np.bool_]
    """[screens, M]"""
    leaving: Ints
    """[V] the cost of being away from home."""
    toll: Ints
    """[V] what the search charges for it besides, as long as it likes."""
    way: Ints
    """[M, M] the cost of being away from one pool on another."""
    stay: Ints
    """[kinds, likes] the cost of lying there."""
    kind: Ints
    """[M]"""
    need: Ints
    """[kinds, likes, D] what a volume adds to each sum."""
    use: Ints
    """[M, D] the sums."""
    held: NDArray[np.bool_]
    """[D] a volume that is away from home still counts there, and it counts there only once."""
    most: Ints
    """[M, D] limits, at least what the sums were before."""
    price: Ints
    """[M, D] what a unit above a limit costs while the search passes it."""
    above: Ints
    """[M, D] thresholds: a sum with several stands there several times."""
    weight: Ints
    """[M, D] what a unit above a threshold costs."""
    cost: Ints
    """[M] what each pool costs now."""
    bad: Ints
    """[M] how many limits each passes now."""
    party: Ints
    """[V]"""
    parties: Ints
    """[parties + 1] where the tallies of each party begin in `counters`."""
    counters: Ints
    part: Ints
    """[C] what a tally takes part in: CROWD, WANTS, PROVIDES, SPREAD."""
    over: Ints
    """[C] the row of `label`."""
    label: Ints
    """[kinds of domains, M] the number of a pool's domain; -1: it names none."""
    base: Ints
    """[C] where the labels of each tally begin in `tally` and `crowd`."""
    partner: Ints
    """[C] who provides what this one wants, and the other way round; -1: nobody."""
    tally: NDArray[np.int32]
    crowd: NDArray[np.int32]
    """Limits of tallies, or what is broken before."""
    used: Ints
    """[C] at how many labels a tally is above 0."""
    least: Ints
    """[C] at how many it has to be."""
    team: Ints
    """[V] the group whose moves are counted; -1: none."""
    moves: Ints
    """By team."""
    teams: Ints
    """How many teams have made so many moves."""
    figures: Ints
    """See COST, BEST, BAD, WRONG, HIGHEST, JOURNAL."""
    broken: Ints
    """[1] what each step beyond a limit of a group costs while the search passes it."""
    high: int
    """What one more of the most moves of any team costs."""
    signed: int
    """1 where a weight is negative, so that a pool may cost less than nothing."""

    def copied(self) -> State:
        """The same with arrays of its own."""
        arrays = {name: value for name, value in self._asdict().items() if not isinstance(value, int)}
        own: dict[str, Any] = {name: array.copy() for name, array in arrays.items()}
        return self._replace(**own)


def smallest() -> State:
    """One volume on one pool, of which nothing is said."""
    one, square, none = np.zeros(1, dtype=np.int64), np.zeros((1, 1), dtype=np.int64), np.zeros(0, dtype=np.int64)
    yes, small = np.ones((1, 1), dtype=np.bool_), np.zeros(0, dtype=np.int32)
    return State(
        at=one, best=one, home=one, journal=one, like=one, screen=one, open=yes, leaving=one, toll=one,
        way=square, stay=square, kind=one, need=np.zeros((1, 1, 1), dtype=np.int64), use=square, held=yes[0],
        most=square, price=square, above=square, weight=square, cost=one, bad=one, party=one,
        parties=np.zeros(2, dtype=np.int64), counters=none, part=none, over=none, label=square - 1, base=none,
        partner=none, tally=small, crowd=small, used=none, least=none, team=one - 1, moves=one, teams=one,
        figures=np.zeros(8, dtype=np.int64), broken=one, high=0, signed=0,
    )  # fmt: skip
