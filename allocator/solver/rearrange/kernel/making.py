"""A move is made, or called off where what its groups want makes it too dear."""

from __future__ import annotations

from typing import Any

import numpy as np

from allocator.solver.rearrange.kernel.chance import compiled
from allocator.solver.rearrange.kernel.places import follow, place
from allocator.solver.rearrange.kernel.tallies import breaks, moved, put, take
from allocator.solver.rearrange.state import BAD, BEST, COST, JOURNAL, TOLL, WRONG, State


@compiled
def alone(way: Any, stay: Any, home: int, leaving: int, like: int, kind_a: int, kind_b: int, a: int, b: int) -> Any:
    """What a volume's way from one place to another costs by itself: to be away from home, and where it is."""
    cost = way[home, b] - way[home, a] + stay[kind_b, like] - stay[kind_a, like]
    if home == a:
        cost += leaving
    elif home == b:
        cost -= leaving
    return cost


@compiled
def _tolled(s: State, p: int, a: int, b: int) -> Any:
    return s.toll[p] if s.home[p] == a else (-s.toll[p] if s.home[p] == b else 0)


@compiled
def go(s: State, p: int, a: int, b: int, q: int, c: int, more: int, room: float) -> Any:
    """Let p go from a to b and q from b to c (-1: nobody goes), if it costs no more than `room`, groups included.

    `more` is what it costs without them. Whether it did; what the places cost from then on is for the caller to note.
    """
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    tally, crowd, used, least, figures, moves, teams = s.tally, s.crowd, s.used, s.least, s.figures, s.moves, s.teams
    one, home, team = s.party[p], s.home[p], s.team[p]
    other, others_home, others_team = one, home, team
    wrong = take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, a)
    if q >= 0:
        other, others_home, others_team = s.party[q], s.home[q], s.team[q]
        wrong += take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, b)
    wrong += put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, b)
    if q >= 0:
        wrong += put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, c)
    risen = moved(moves, teams, figures, team, home, a, b)
    if q >= 0:
        risen += moved(moves, teams, figures, others_team, others_home, b, c)
    more += s.high * risen + s.broken[0] * wrong
    if more > room:
        if q >= 0:
            moved(moves, teams, figures, others_team, others_home, c, b)
            take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, c)
        moved(moves, teams, figures, team, home, b, a)
        take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, b)
        if q >= 0:
            put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, b)
        put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, a)
        return False
    follow(s, p, a, b)
    _note(s, p)
    if q >= 0:
        follow(s, q, b, c)
        _note(s, q)
    figures[TOLL] += _tolled(s, p, a, b)
    if q >= 0:
        figures[TOLL] += _tolled(s, q, b, c)
    figures[WRONG] += wrong
    figures[COST] += more
    return True


@compiled
def _note(s: State, p: int) -> None:
    """Remember that a volume has moved since the best answer was kept."""
    number = s.figures[JOURNAL]
    if number < len(s.journal):
        s.journal[number] = p
    s.figures[JOURNAL] = number + 1


@compiled
def keep(s: State) -> None:
    """Keep where all volumes are, if that is the best answer so far."""
    real = s.figures[COST] - s.figures[TOLL]
    if real >= s.figures[BEST] or s.figures[BAD] or s.figures[WRONG]:
        return
    s.figures[BEST] = real
    number = s.figures[JOURNAL]
    if number <= len(s.journal):
        for i in range(number):
            s.best[s.journal[i]] = s.at[s.journal[i]]
    else:
        s.best[:] = s.at
    s.figures[JOURNAL] = 0


@compiled
def price(s: State) -> None:
    """Work out anew what every place costs, after the prices of passed limits have changed."""
    for m in range(s.use.shape[0]):
        cost, passed = place(
            s.use, s.need, s.held, s.most, s.price, s.above, s.weight, m, s.kind[m], -1, False, -1, False
        )
        s.figures[COST] += cost - s.cost[m]
        s.figures[BAD] += passed - s.bad[m]
        s.cost[m], s.bad[m] = cost, passed


@compiled
def become(s: State, rows: Any) -> None:
    """Go to where each volume lies by `rows`, whatever that costs."""
    for p in range(len(rows)):
        a, b = s.at[p], rows[p]
        if a != b:
            more = alone(s.way, s.stay, s.home[p], s.leaving[p] + s.toll[p], s.like[p], s.kind[a], s.kind[b], a, b)
            go(s, p, a, b, -1, -1, more, np.inf)
    price(s)


@compiled
def shift(s: State, p: int, b: int) -> Any:
    """Let one volume go, unless that breaks what its groups want: whether it went. Limits of sums are the caller's."""
    a = s.at[p]
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    if breaks(ps, cs, part, over, label, base, partner, s.tally, s.crowd, s.used, s.least, s.party[p], a, b):
        return False
    more = alone(s.way, s.stay, s.home[p], s.leaving[p], s.like[p], s.kind[a], s.kind[b], a, b)
    go(s, p, a, b, -1, -1, more, np.inf)
    use, need, held, most, price, above, weight = s.use, s.need, s.held, s.most, s.price, s.above, s.weight
    for m in (a, b):
        cost, _ = place(use, need, held, most, price, above, weight, m, s.kind[m], -1, False, -1, False)
        s.figures[COST] += cost - s.cost[m]
        s.cost[m] = cost
    return True
