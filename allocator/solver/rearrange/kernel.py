"""The inner loop of the search, compiled: one volume shifts, two swap, or one makes another give way.

Importing this module loads numba, which takes a second, and the first call ever compiles for some seconds; what was
compiled is kept on disk. Without compiling, the same loop is 200 times slower (measured on 5,000 volumes x 100 pools;
numpy, one volume against all pools at a time, is 12 times slower).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

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
compiled: Final = njit(cache=True, nogil=True)


@compiled
def _random(seed: Any) -> Any:
    """The next of a xorshift generator (Marsaglia 2003, 13-7-17)."""
    x = seed[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    seed[0] = x
    return x


@compiled
def _below(seed: Any, number: int) -> Any:
    """A number from 0 to below `number`, which is less than 2**31."""
    return np.int64(((_random(seed) >> np.uint64(33)) * np.uint64(number)) >> np.uint64(31))


@compiled
def _share(seed: Any) -> Any:
    """A number between 0 and 1, neither of them."""
    return (np.float64(_random(seed) >> np.uint64(11)) + 0.5) * (1.0 / 9007199254740992.0)


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
    home, like = s.home[p], s.like[p]
    for d in range(s.use.shape[1]):
        if not (s.held[d] and home == a):
            s.use[a, d] -= s.need[s.kind[a], like, d]
        if not (s.held[d] and home == b):
            s.use[b, d] += s.need[s.kind[b], like, d]
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
def _take(s: State, p: int, a: int) -> Any:
    """A volume leaves the tallies of its groups at a place: by how much more they are broken."""
    more = 0
    party = s.party[p]
    for j in range(s.parties[party], s.parties[party + 1]):
        c = s.counters[j]
        label = s.label[s.over[c], a]
        if label < 0:
            continue
        i = s.base[c] + label
        n, part = s.tally[i], s.part[c]
        if part & CROWD and n > s.crowd[i]:
            more -= 1
        if part & WANTS and n > s.crowd[i] and s.tally[s.base[s.partner[c]] + label] == 0:
            more -= 1
        if part & SPREAD and n == 1:
            s.used[c] -= 1
            if s.used[c] < s.least[c]:
                more += 1
        if part & PROVIDES and n == 1:
            wanting = s.base[s.partner[c]] + label
            more += max(0, s.tally[wanting] - s.crowd[wanting])
        s.tally[i] = n - 1
    return more


@compiled
def _put(s: State, p: int, b: int) -> Any:
    """A volume joins the tallies of its groups at a place: by how much more they are broken."""
    more = 0
    party = s.party[p]
    for j in range(s.parties[party], s.parties[party + 1]):
        c = s.counters[j]
        label = s.label[s.over[c], b]
        if label < 0:
            continue
        i = s.base[c] + label
        n, part = s.tally[i], s.part[c]
        if part & CROWD and n >= s.crowd[i]:
            more += 1
        if part & WANTS and n >= s.crowd[i] and s.tally[s.base[s.partner[c]] + label] == 0:
            more += 1
        if part & SPREAD and n == 0:
            s.used[c] += 1
            if s.used[c] <= s.least[c]:
                more -= 1
        if part & PROVIDES and n == 0:
            wanting = s.base[s.partner[c]] + label
            more -= max(0, s.tally[wanting] - s.crowd[wanting])
        s.tally[i] = n + 1
    return more


@compiled
def _crowded(
    parties: Any, counters: Any, part: Any, over: Any, label: Any, base: Any, tally: Any, crowd: Any, party: int, b: int
) -> Any:
    """Whether a group has no room left for the volume at a place, to be told before anything else is worked out."""
    for j in range(parties[party], parties[party + 1]):
        c = counters[j]
        if part[c] & CROWD:
            at = label[over[c], b]
            if at >= 0 and tally[base[c] + at] >= crowd[base[c] + at]:
                return True
    return False


@compiled
def _moved(s: State, p: int, a: int, b: int) -> Any:
    """A volume's group counts its moves: by how much the most moves of any group grow."""
    team, home = s.team[p], s.home[p]
    step = 1 if home == a else (-1 if home == b else 0)
    if team < 0 or step == 0:
        return 0
    moves, figures = s.moves[team], s.figures
    s.teams[moves] -= 1
    moves += step
    s.moves[team] = moves
    s.teams[moves] += 1
    before = figures[HIGHEST]
    if moves > before:
        figures[HIGHEST] = moves
    while figures[HIGHEST] > 0 and s.teams[figures[HIGHEST]] == 0:
        figures[HIGHEST] -= 1
    return figures[HIGHEST] - before


@compiled
def _groups(s: State, p: int, a: int, b: int, q: int, c: int) -> Any:
    """The tallies of groups follow p from a to b and q from b to c (-1: nobody): by how much more they are broken."""
    more = _take(s, p, a)
    if q >= 0:
        more += _take(s, q, b)
    more += _put(s, p, b)
    if q >= 0:
        more += _put(s, q, c)
    return more


@compiled
def _go(s: State, p: int, a: int, b: int, q: int, c: int, more: int, room: float) -> Any:
    """Let p go from a to b and q from b to c (-1: nobody goes), if it costs no more than `room`, groups included.

    `more` is what it costs without them. Whether it did; what the places cost from then on is for the caller to note.
    """
    figures = s.figures
    risen = _moved(s, p, a, b)
    if q >= 0:
        risen += _moved(s, q, b, c)
    wrong = _groups(s, p, a, b, q, c)
    more += s.high * risen + s.broken[0] * wrong
    if more > room:
        if q >= 0:
            _take(s, q, c)
            _take(s, p, b)
            _put(s, q, b)
            _put(s, p, a)
            _moved(s, q, c, b)
        else:
            _take(s, p, b)
            _put(s, p, a)
        _moved(s, p, b, a)
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
    parties, counters, part, over, label, base = s.parties, s.counters, s.part, s.over, s.label, s.base
    tally, crowd, party = s.tally, s.crowd, s.party
    volumes, places, rises, signed = len(at), use.shape[0], 2 * s.high, s.signed
    made = 0
    for _ in range(tries):
        room = -heat * np.log(_share(seed))
        p = _below(seed, volumes)
        a, likes = at[p], like[p]
        draw = _below(seed, 100)
        q = c = -1
        if draw < swaps + chains:
            q = _below(seed, volumes)
            b = at[q]
            c = a if draw < swaps else _below(seed, places)
            if a == b or b == c or not (open_[screen[p], b] and open_[screen[q], c]):
                continue
        else:
            b = _below(seed, places)
            if b == a or not open_[screen[p], b]:
                continue
        # What is broken now may be mended by any change: only as far as that can go is it too early to say no.
        limit = room + broken[0] * figures[WRONG] + rises
        if figures[WRONG] == 0 and broken[0] > limit:
            if _crowded(parties, counters, part, over, label, base, tally, crowd, party[p], b):
                continue
            if q >= 0 and _crowded(parties, counters, part, over, label, base, tally, crowd, party[q], c):
                continue
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
        if more > limit or not _go(s, p, a, b, q, c, more, room):
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
