"""Pools as shelves for single volumes: what each volume takes of each kind of pool, and costs there, as arrays.

Where every unit is one volume that is not attached, and rules speak of one pool at a time, a pool's content can be
chosen by itself. Pools of one kind are those of which rules and goals say the same numbers. What rules say otherwise
than in sums over a pool is left out here: a content is asked of them before it is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from allocator.fleet import Ask, BoolArray, IntArray
from allocator.goal import Tier, Tiers
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.screen import Screen
from allocator.solver.classes import Unit

MOST_CELLS: Final = 30_000_000
"""Numbers of all volumes on all pools up to which the arrays are made (240 MB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One way to keep one unit."""

    unit: int
    ask: Ask


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """A kind of pool: what it has left, and of each option whether it may come, what it takes and what it costs."""

    rows: tuple[int, ...]
    """The pools of this kind."""
    room: IntArray
    """By limit."""
    open: BoolArray
    takes: IntArray
    """[option, limit]"""
    costs: IntArray
    """[option, tier]: what it adds to a pool that is in use."""


@dataclass(frozen=True, slots=True, eq=False)
class Shelves:
    """The options of all units, and the kinds of pools."""

    units: tuple[Unit, ...]
    options: tuple[Option, ...]
    unit_of: IntArray
    """The unit of each option."""
    kinds: tuple[Shelf, ...]
    complete: bool
    """The rules say nothing else of what a pool holds."""


def shelves(units: Sequence[Unit], screen: Screen, tiers: Tiers) -> Shelves | None:
    """The units as options for kinds of pools; None where that says nothing.

    Some unit is more than one volume then, no pool is open, or the arrays would be too large.

    `screen` is of a fleet on which none of the units lies.
    """
    if any(unit.home or unit.attaches or len(unit.requests) > 1 for unit in units):
        return None
    fleet = screen.fleet
    coming = frozenset(unit.requests[0].group for unit in units if unit.requests[0].group is not None)
    options = [Option(row, ask) for row, unit in enumerate(units) for ask in screen.asks(unit.requests[0], coming)]
    stated = _stated(options, screen)
    limits = [limit for limit in stated if limit.gate is None]
    if not options or len(options) * len(fleet.pools) * (1 + len(limits) + len(tiers)) > MOST_CELLS:
        return None
    asks = [option.ask for option in options]
    opened = np.array([screen.pools(ask) for ask in asks])
    takes = [np.array([_broad(fleet.amounts(limit.charge, (ask,)), screen) for ask in asks]) for limit in limits]
    room = [_broad(limit.rows(fleet) - _now(limit, screen), screen) for limit in limits]
    costs = [np.array([_added(tier, ask, screen) for ask in asks]) for tier in tiers]
    known: dict[bytes, list[int]] = {}
    for row in range(len(fleet.pools)):
        told = [array[..., row].tobytes() for array in (opened, *takes, *room, *costs)]
        known.setdefault(b"".join(told), []).append(row)
    kinds = [
        Shelf(
            tuple(rows),
            np.array([left[rows[0]] for left in room], dtype=np.int64),
            opened[:, rows[0]],
            np.array([taken[:, rows[0]] for taken in takes], dtype=np.int64).reshape(len(limits), len(options)).T,
            np.array([cost[:, rows[0]] for cost in costs], dtype=np.int64).T,
        )
        for rows in known.values()
        if opened[:, rows[0]].any()
    ]
    if not kinds:
        return None
    return Shelves(
        tuple(units),
        tuple(options),
        np.array([option.unit for option in options]),
        tuple(kinds),
        _complete(screen, stated),
    )


def _stated(options: Sequence[Option], screen: Screen) -> list[Limit]:
    """The limits on sums over one pool that concern any option."""
    found: dict[int, Limit] = {}
    for rule in screen.rules:
        if isinstance(rule, LimitRule):
            for option in options:
                for limit in rule.limits(option.ask.request, screen.fleet.inventory):
                    if limit.charge.over == "pool":
                        found[id(limit)] = limit
    return [limit for limit in found.values() if (np.asarray(limit.rows(screen.fleet)) < UNLIMITED).any()]


def _complete(screen: Screen, stated: Sequence[Limit]) -> bool:
    """Whether each rule is a static one, which the screen has asked, or says no more than plain sums."""
    plain = all(limit.gate is None for limit in stated)
    return plain and all(rule.static or (isinstance(rule, LimitRule) and rule.local) for rule in screen.rules)


def _broad(amounts: IntArray | int, screen: Screen) -> IntArray:
    """One number for all pools as one for each."""
    return np.broadcast_to(np.asarray(amounts, dtype=np.int64), len(screen.fleet.pools))


def _now(limit: Limit, screen: Screen) -> IntArray | int:
    return 0 if limit.arrivals else screen.fleet.sums(limit.charge)


def _added(tier: Tier, ask: Ask, screen: Screen) -> IntArray:
    """What the option adds to a tier at each pool; nothing where that depends on who else is there."""
    total = np.zeros(len(screen.fleet.pools), dtype=np.int64)
    for goal, weight in tier:
        if goal.adds_up:
            cost = goal.pool_cost(ask, screen.fleet)
            total = total if cost is None else total + weight * cost
    return total
