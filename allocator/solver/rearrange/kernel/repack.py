"""Two pools are emptied and packed anew, about the largest volumes first, each where it costs less.

What is large settles while little else has, and nothing smaller makes way for it later. Here all of two pools' volumes
change places at once, if that costs no more than chance allows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from allocator.solver.rearrange.kernel.chance import below, compiled, share
from allocator.solver.rearrange.kernel.making import alone, go, keep
from allocator.solver.rearrange.kernel.places import place
from allocator.solver.rearrange.state import BAD, COST, State

MANY: Final = 200
"""Pools that hold more volumes together are left alone: none of those is large."""


@compiled
def repack(s: State, seed: Any, tries: int, heat: float, bulk: Any) -> Any:
    """Try so many pairs of pools, one of them the more costly of two; how many were packed anew.

    `bulk` [V] tells who is large.
    """
    found, goes, key = np.empty(MANY, np.int64), np.empty(MANY, np.int64), np.empty(MANY)
    sums = np.empty((2, s.use.shape[1]), np.int64)
    made, places = 0, s.use.shape[0]
    for _ in range(tries):
        a, c, b = below(seed, places), below(seed, places), below(seed, places)
        if s.cost[c] > s.cost[a]:
            a = c
        if a == b:
            continue
        number = _gather(s, seed, a, b, bulk, found, key)
        if number < 0:
            continue
        room = -heat * np.log(share(seed))
        if _pack(s, a, b, found, number, goes, sums) and _change(s, a, b, found, number, goes, room):
            made += 1
            keep(s)
    return made


@compiled
def _gather(s: State, seed: Any, a: int, b: int, bulk: Any, found: Any, key: Any) -> Any:
    """The volumes of both pools, by bulk and chance; -1: too many."""
    number = 0
    for p in range(len(s.at)):
        if s.at[p] != a and s.at[p] != b:
            continue
        if number == MANY:
            return -1
        mine, i = bulk[p] * (0.5 + share(seed)), number
        while i > 0 and key[i - 1] < mine:
            key[i], found[i] = key[i - 1], found[i - 1]
            i -= 1
        key[i], found[i] = mine, p
        number += 1
    return number


@compiled
def _add(s: State, sums: Any, p: int, m: int, sign: int) -> None:
    """A volume comes to the sums of a place, or leaves them (-1)."""
    kind, like, at_home = s.kind[m], s.like[p], s.home[p] == m
    for d in range(len(sums)):
        if not (at_home and s.held[d]):
            sums[d] += sign * s.need[kind, like, d]


@compiled
def _costs(s: State, sums: Any, m: int) -> Any:
    cost = np.int64(0)
    for d in range(len(sums)):
        cost += s.weight[m, d] * max(sums[d] - s.above[m, d], 0) + s.price[m, d] * max(sums[d] - s.most[m, d], 0)
    return cost


@compiled
def _pack(s: State, a: int, b: int, found: Any, number: int, goes: Any, sums: Any) -> Any:
    """Where each volume goes, one after the other; whether any of them changes its place."""
    sums[0], sums[1] = s.use[a], s.use[b]
    for i in range(number):
        p = found[i]
        _add(s, sums[0] if s.at[p] == a else sums[1], p, s.at[p], -1)
    changes = False
    for i in range(number):
        p = found[i]
        now = s.at[p]
        best, goes[i] = np.int64(0), -1
        for side in range(2):
            m = a if side == 0 else b
            if m != now and not s.open[s.screen[p], m]:
                continue
            before = _costs(s, sums[side], m)
            _add(s, sums[side], p, m, 1)
            away = s.leaving[p] + s.toll[p]
            more = alone(s.way, s.stay, s.home[p], away, s.like[p], s.kind[now], s.kind[m], now, m) if m != now else 0
            more += _costs(s, sums[side], m) - before
            _add(s, sums[side], p, m, -1)
            if goes[i] < 0 or more < best:
                best, goes[i] = more, m
        _add(s, sums[0] if goes[i] == a else sums[1], p, goes[i], 1)
        changes |= goes[i] != now
    return changes


@compiled
def _change(s: State, a: int, b: int, found: Any, number: int, goes: Any, room: float) -> Any:
    """Move them all, or nobody if that costs more than `room`."""
    before = s.figures[COST]
    _swing(s, a, b, found, number, goes)
    if s.figures[COST] - before <= room:
        return True
    _swing(s, a, b, found, number, goes)
    return False


@compiled
def _swing(s: State, a: int, b: int, found: Any, number: int, goes: Any) -> None:
    """Move those that go elsewhere, whatever it costs, and note from where: the next swing brings them back."""
    for i in range(number):
        p, now, m = found[i], s.at[found[i]], goes[i]
        if now != m:
            away = s.leaving[p] + s.toll[p]
            go(
                s,
                p,
                now,
                m,
                -1,
                -1,
                alone(s.way, s.stay, s.home[p], away, s.like[p], s.kind[now], s.kind[m], now, m),
                np.inf,
            )
        goes[i] = now
    for m in (a, b):
        cost, passed = place(
            s.use, s.need, s.held, s.most, s.price, s.above, s.weight, m, s.kind[m], -1, False, -1, False
        )
        s.figures[COST] += cost - s.cost[m]
        s.figures[BAD] += passed - s.bad[m]
        s.cost[m], s.bad[m] = cost, passed
