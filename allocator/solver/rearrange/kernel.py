"""The inner loop of the search, compiled: one volume shifts, two swap, or one makes another give way.

Importing this module loads numba, which takes a second, and the first call ever compiles for some seconds; what was
compiled is kept on disk.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from allocator.solver.rearrange.chance import below, compiled, share
from allocator.solver.rearrange.state import (
    BAD,
    BEST,
    COST,
    CROWD,
    HIGHEST,
    JOURNAL,
    PROVIDES,
    SPREAD,
    WANTS,
    WRONG,
    State,
)

ENDLESS: Final = 2**62


@compiled
def _place(
    use: Any,
    need: Any,
    held: Any,
    most: Any,
    price: Any,
    above: Any,
    weight: Any,
    m: int,
    kind: int,
    goes: int,
    goes_home: bool,
    comes: int,
    comes_home: bool,
) -> Any:
    """(what a place costs, how many of its limits are passed) once one volume left it and another came.

    `goes` and `comes` are likenesses, -1: nobody. Sums are weighed without a branch for each, which is five times as
    fast (measured: 17 and 92 ns for 16 sums). Arrays are handed over one by one, since a state is copied when it is.
    """
    cost, passed = np.int64(0), 0
    for d in range(use.shape[1]):
        now = use[m, d]
        if goes >= 0 and not (goes_home and held[d]):
            now -= need[kind, goes, d]
        if comes >= 0 and not (comes_home and held[d]):
            now += need[kind, comes, d]
        over = now - most[m, d]
        cost += weight[m, d] * max(now - above[m, d], 0) + price[m, d] * max(over, 0)
        passed += over > 0
    return cost, passed


@compiled
def _follow(s: State, p: int, a: int, b: int) -> None:
    """The sums follow a volume from one place to another."""
    use, need, held, home, like = s.use, s.need, s.held, s.home[p], s.like[p]
    kind_a, kind_b = s.kind[a], s.kind[b]
    for d in range(use.shape[1]):
        if not (held[d] and home == a):
            use[a, d] -= need[kind_a, like, d]
        if not (held[d] and home == b):
            use[b, d] += need[kind_b, like, d]
    s.at[p] = b


@compiled
def _alone(way: Any, stay: Any, home: int, leaving: int, like: int, kind_a: int, kind_b: int, a: int, b: int) -> Any:
    """What a volume's way from one place to another costs by itself: to be away from home, and where it is."""
    cost = way[home, b] - way[home, a] + stay[kind_b, like] - stay[kind_a, like]
    if home == a:
        cost += leaving
    elif home == b:
        cost -= leaving
    return cost


@compiled
def _take(
    parties: Any,
    counters: Any,
    part: Any,
    over: Any,
    label: Any,
    base: Any,
    partner: Any,
    tally: Any,
    crowd: Any,
    used: Any,
    least: Any,
    party: int,
    a: int,
) -> Any:
    """A volume leaves the tallies of its groups at a place: by how much more they are broken."""
    more = 0
    for j in range(parties[party], parties[party + 1]):
        c = counters[j]
        at = label[over[c], a]
        if at < 0:
            continue
        i = base[c] + at
        n, does = tally[i], part[c]
        if does & CROWD and n > crowd[i]:
            more -= 1
        if does & WANTS and n > crowd[i] and tally[base[partner[c]] + at] == 0:
            more -= 1
        if does & SPREAD and n == 1:
            used[c] -= 1
            if used[c] < least[c]:
                more += 1
        if does & PROVIDES and n == 1:
            wanting = base[partner[c]] + at
            more += max(0, tally[wanting] - crowd[wanting])
        tally[i] = n - 1
    return more


@compiled
def _put(
    parties: Any,
    counters: Any,
    part: Any,
    over: Any,
    label: Any,
    base: Any,
    partner: Any,
    tally: Any,
    crowd: Any,
    used: Any,
    least: Any,
    party: int,
    b: int,
) -> Any:
    """A volume joins the tallies of its groups at a place: by how much more they are broken."""
    more = 0
    for j in range(parties[party], parties[party + 1]):
        c = counters[j]
        at = label[over[c], b]
        if at < 0:
            continue
        i = base[c] + at
        n, does = tally[i], part[c]
        if does & CROWD and n >= crowd[i]:
            more += 1
        if does & WANTS and n >= crowd[i] and tally[base[partner[c]] + at] == 0:
            more += 1
        if does & SPREAD and n == 0:
            used[c] += 1
            if used[c] <= least[c]:
                more -= 1
        if does & PROVIDES and n == 0:
            wanting = base[partner[c]] + at
            more -= max(0, tally[wanting] - crowd[wanting])
        tally[i] = n + 1
    return more


@compiled
def _breaks(
    parties: Any,
    counters: Any,
    part: Any,
    over: Any,
    label: Any,
    base: Any,
    partner: Any,
    tally: Any,
    crowd: Any,
    used: Any,
    least: Any,
    party: int,
    a: int,
    b: int,
) -> Any:
    """Whether a volume that goes from a to b alone breaks what its groups want, found without a change."""
    for j in range(parties[party], parties[party + 1]):
        c = counters[j]
        left, come = label[over[c], a], label[over[c], b]
        if left == come:
            continue
        here = tally[base[c] + left] if left >= 0 else 0
        there = tally[base[c] + come] if come >= 0 else 0
        does = part[c]
        full = come >= 0 and there >= crowd[base[c] + come]
        if full and (does & CROWD or (does & WANTS and tally[base[partner[c]] + come] == 0)):
            return True
        if does & PROVIDES and here == 1:
            wanting = base[partner[c]] + left
            if tally[wanting] > crowd[wanting]:
                return True
        if does & SPREAD and here == 1 and there > 0 and used[c] <= least[c]:
            return True
    return False


@compiled
def _moved(moves: Any, teams: Any, figures: Any, team: int, home: int, a: int, b: int) -> Any:
    """A volume's group counts its moves: by how much the most moves of any group grow."""
    step = 1 if home == a else (-1 if home == b else 0)
    if team < 0 or step == 0:
        return 0
    number = moves[team]
    teams[number] -= 1
    number += step
    moves[team] = number
    teams[number] += 1
    before = figures[HIGHEST]
    if number > before:
        figures[HIGHEST] = number
    while figures[HIGHEST] > 0 and teams[figures[HIGHEST]] == 0:
        figures[HIGHEST] -= 1
    return figures[HIGHEST] - before


@compiled
def _go(s: State, p: int, a: int, b: int, q: int, c: int, more: int, room: float) -> Any:
    """Let p go from a to b and q from b to c (-1: nobody goes), if it costs no more than `room`, groups included.

    `more` is what it costs without them. Whether it did; what the places cost from then on is for the caller to note.
    """
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    tally, crowd, used, least, figures, moves, teams = s.tally, s.crowd, s.used, s.least, s.figures, s.moves, s.teams
    one, home, team = s.party[p], s.home[p], s.team[p]
    other, others_home, others_team = one, home, team
    wrong = _take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, a)
    if q >= 0:
        other, others_home, others_team = s.party[q], s.home[q], s.team[q]
        wrong += _take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, b)
    wrong += _put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, b)
    if q >= 0:
        wrong += _put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, c)
    risen = _moved(moves, teams, figures, team, home, a, b)
    if q >= 0:
        risen += _moved(moves, teams, figures, others_team, others_home, b, c)
    more += s.high * risen + s.broken[0] * wrong
    if more > room:
        if q >= 0:
            _moved(moves, teams, figures, others_team, others_home, c, b)
            _take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, c)
        _moved(moves, teams, figures, team, home, b, a)
        _take(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, b)
        if q >= 0:
            _put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, other, b)
        _put(ps, cs, part, over, label, base, partner, tally, crowd, used, least, one, a)
        return False
    _follow(s, p, a, b)
    _note(s, p)
    if q >= 0:
        _follow(s, q, b, c)
        _note(s, q)
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
def _keep(s: State) -> None:
    """Keep where all volumes are as the best answer so far."""
    number = s.figures[JOURNAL]
    if number <= len(s.journal):
        for i in range(number):
            s.best[s.journal[i]] = s.at[s.journal[i]]
    else:
        s.best[:] = s.at
    s.figures[JOURNAL] = 0


@compiled
def anneal(s: State, seed: Any, tries: int, heat: float, swaps: int, chains: int) -> Any:
    """Try so many moves; one that costs more is made with probability exp(-more / heat). How many were made.

    `swaps` and `chains` are the shares of moves of two volumes, in per cent.
    """
    at, home, like, kind, screen, open_ = s.at, s.home, s.like, s.kind, s.screen, s.open
    use, need, held, most, price, above, weight = s.use, s.need, s.held, s.most, s.price, s.above, s.weight
    way, stay, leaving, cost, bad, figures, broken = s.way, s.stay, s.leaving, s.cost, s.bad, s.figures, s.broken
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    tally, crowd, used, least, party = s.tally, s.crowd, s.used, s.least, s.party
    volumes, places, rises, signed = len(at), use.shape[0], 2 * s.high, s.signed
    made = 0
    for _ in range(tries):
        room = -heat * np.log(share(seed))
        p = below(seed, volumes)
        a, likes = at[p], like[p]
        draw = below(seed, 100)
        q = c = -1
        if draw < swaps + chains:
            q = below(seed, volumes)
            b = at[q]
            c = a if draw < swaps else below(seed, places)
            if a == b or b == c or not (open_[screen[p], b] and open_[screen[q], c]):
                continue
        else:
            b = below(seed, places)
            if b == a or not open_[screen[p], b]:
                continue
        # What is broken now may be mended by any change: only as far as that can go is it too early to say no.
        limit = room + broken[0] * figures[WRONG] + rises
        swap = c == a
        more = _alone(way, stay, home[p], leaving[p], likes, kind[a], kind[b], a, b) - cost[a] - cost[b]
        liked = -1
        if q >= 0:
            liked = like[q]
            more += _alone(way, stay, home[q], leaving[q], liked, kind[b], kind[c], b, c)
            if not swap:
                more -= cost[c]
        enough = np.int64(min(limit - more, ENDLESS)) if signed == 0 else np.int64(ENDLESS)
        cost_b, bad_b = _place(
            use,
            need,
            held,
            most,
            price,
            above,
            weight,
            b,
            kind[b],
            liked,
            q >= 0 and home[q] == b,
            likes,
            home[p] == b,
        )
        if cost_b > enough:
            continue
        more += cost_b
        cost_c, bad_c = np.int64(0), 0
        if q >= 0 and not swap:
            cost_c, bad_c = _place(
                use,
                need,
                held,
                most,
                price,
                above,
                weight,
                c,
                kind[c],
                -1,
                False,
                liked,
                home[q] == c,
            )
            more += cost_c
            if cost_b + cost_c > enough:
                continue
        cost_a, bad_a = _place(
            use,
            need,
            held,
            most,
            price,
            above,
            weight,
            a,
            kind[a],
            likes,
            home[p] == a,
            liked if swap else -1,
            swap and home[q] == a,
        )
        more += cost_a
        if more > limit:
            continue
        if figures[WRONG] == 0 and more + broken[0] > limit:
            if _breaks(ps, cs, part, over, label, base, partner, tally, crowd, used, least, party[p], a, b):
                continue
            if q >= 0 and _breaks(ps, cs, part, over, label, base, partner, tally, crowd, used, least, party[q], b, c):
                continue
        if not _go(s, p, a, b, q, c, more, room):
            continue
        made += 1
        figures[BAD] += bad_a - bad[a] + bad_b - bad[b]
        cost[a], bad[a], cost[b], bad[b] = cost_a, bad_a, cost_b, bad_b
        if q >= 0 and not swap:
            figures[BAD] += bad_c - bad[c]
            cost[c], bad[c] = cost_c, bad_c
        if figures[COST] < figures[BEST] and figures[BAD] == 0 and figures[WRONG] == 0:
            figures[BEST] = figures[COST]
            _keep(s)
    return made


@compiled
def price(s: State) -> None:
    """Work out anew what every place costs, after the prices of passed limits have changed."""
    for m in range(s.use.shape[0]):
        cost, passed = _place(
            s.use,
            s.need,
            s.held,
            s.most,
            s.price,
            s.above,
            s.weight,
            m,
            s.kind[m],
            -1,
            False,
            -1,
            False,
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
            more = _alone(s.way, s.stay, s.home[p], s.leaving[p], s.like[p], s.kind[a], s.kind[b], a, b)
            _go(s, p, a, b, -1, -1, more, np.inf)
    price(s)


@compiled
def shift(s: State, p: int, b: int) -> Any:
    """Let one volume go, unless that breaks what its groups want: whether it went. Limits of sums are the caller's."""
    a = s.at[p]
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    if _breaks(ps, cs, part, over, label, base, partner, s.tally, s.crowd, s.used, s.least, s.party[p], a, b):
        return False
    more = _alone(s.way, s.stay, s.home[p], s.leaving[p], s.like[p], s.kind[a], s.kind[b], a, b)
    _go(s, p, a, b, -1, -1, more, np.inf)
    use, need, held, most, price, above, weight = s.use, s.need, s.held, s.most, s.price, s.above, s.weight
    for m in (a, b):
        cost, _ = _place(use, need, held, most, price, above, weight, m, s.kind[m], -1, False, -1, False)
        s.figures[COST] += cost - s.cost[m]
        s.cost[m] = cost
    return True
