"""The words of the solver's model, written down instead of solved: what rules and goals say, for the search to compile.

A rule or goal speaks to this as it speaks to `solver.model.Model`. What has no word here raises Unsaid, and whoever
asked has to solve the problem in another way: nothing that was said is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge, Volume
from allocator.domain.places import Pool
from allocator.fleet import Ask, Fleet
from allocator.solver.classes import UnitClass

if TYPE_CHECKING:
    from allocator.solver.model import Count


class Unsaid(Exception):
    """A rule or goal says what the search has no word for."""


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a charge at every place of its kind."""

    charge: Charge
    count: Count

    @property
    def over(self) -> str:
        return self.charge.over


@dataclass(frozen=True, slots=True)
class Capped:
    """min(base, most) of each place."""

    base: Vector
    most: int


@dataclass(frozen=True, slots=True)
class Above:
    """max(base - least, 0) of each place."""

    base: Vector
    least: Callable[[Any], int] | int


@dataclass(frozen=True, slots=True)
class Minus:
    """one - other, place by place."""

    one: Vector
    other: Vector


@dataclass(frozen=True, slots=True)
class Whole:
    """The one sum over all places."""

    base: Vector


@dataclass(frozen=True, slots=True)
class Highest:
    """The largest of several."""

    totals: tuple[Vector, ...]


Vector = Total | Capped | Above | Minus | Whole | Highest


@dataclass(frozen=True, slots=True)
class Grown:
    """How much the sum over all places grows."""

    vector: Vector
    weights: Callable[[Any], int] | None


@dataclass(frozen=True, slots=True)
class Routes:
    """The sum of `cost` from the old to the new pool."""

    cost: Callable[[str, str], int]


@dataclass(frozen=True, slots=True)
class Cost:
    """A weighted sum, and a number that no decision changes."""

    terms: tuple[tuple[int, Grown | Routes], ...] = ()
    offset: int = 0

    def __add__(self, other: Cost | int) -> Cost:
        other = other if isinstance(other, Cost) else Cost((), other)
        return Cost(self.terms + other.terms, self.offset + other.offset)

    __radd__ = __add__

    def __mul__(self, factor: int) -> Cost:
        return Cost(tuple((factor * weight, term) for weight, term in self.terms), factor * self.offset)

    __rmul__ = __mul__

    def __neg__(self) -> Cost:
        return self * -1

    def __sub__(self, other: Cost | int) -> Cost:
        return self + -other


@dataclass(frozen=True, slots=True)
class Limited:
    """total <= limit at each place, enforced where `where` >= 1, or where `unless` = 0."""

    total: Vector
    limits: Callable[[Any], int] | int
    where: Vector | None
    unless: Vector | None


@dataclass(frozen=True, slots=True)
class Forbidden:
    """No volume of these moves to such a pool."""

    whom: Callable[[Volume], bool]
    where: Callable[[Pool], bool]


class Words:
    """What the rules and goals of one call say of volumes that all lie somewhere, each on the hosts that it has."""

    classes: Final[Sequence[UnitClass]] = ()
    """Nobody can be refused: there is nothing to say of that."""

    def __init__(self, movable: Sequence[Volume], fleet: Fleet) -> None:
        """The fleet holds all volumes, those that may move where they lie."""
        self.movable, self.fleet = movable, fleet
        self.inventory: Inventory = fleet.inventory
        self.limits: list[Limited] = []
        self.forbidden: list[Forbidden] = []

    def asks(self) -> Iterator[Ask]:
        """Every volume that may move, as the ask that it was."""
        yield from self._asks

    @cached_property
    def _asks(self) -> list[Ask]:
        return [Ask.of(volume) for volume in self.movable]

    def total(self, charge: Charge, count: Count = "final") -> Total:
        return Total(charge, count)

    def capped(self, total: Vector, most: int) -> Vector:
        return Capped(total, most)

    def above(self, total: Vector, least: Callable[[Any], int] | int) -> Vector:
        return Above(total, least)

    def sum(self, total: Vector) -> Vector:
        return Whole(total)

    def minus(self, total: Vector, other: Vector) -> Vector:
        return Minus(total, other)

    def highest(self, totals: Sequence[Vector]) -> Vector:
        return Highest(tuple(totals))

    def change(self, total: Vector, weights: Callable[[Any], int] | None = None) -> Cost:
        return Cost(((1, Grown(total, weights)),))

    def routes(self, cost: Callable[[str, str], int]) -> Cost:
        return Cost(((1, Routes(cost)),))

    def require_at_most(
        self,
        total: Vector,
        limits: Callable[[Any], int] | int,
        where: Vector | None = None,
        unless: Vector | None = None,
    ) -> None:
        self.limits.append(Limited(total, limits, where, unless))

    def forbid(self, whom: Callable[[Volume], bool], where: Callable[[Pool], bool]) -> None:
        self.forbidden.append(Forbidden(whom, where))

    def __getattr__(self, word: str) -> Any:
        if word.startswith("_"):
            raise AttributeError(word)
        raise Unsaid(f"`{word}` is no word that the search knows.")


def over_all(vector: Vector) -> bool:
    """Whether it is one number for everything."""
    if isinstance(vector, Total):
        return vector.over == ALL
    if isinstance(vector, Capped | Above):
        return over_all(vector.base)
    return isinstance(vector, Whole | Highest) or (isinstance(vector, Minus) and over_all(vector.one))
