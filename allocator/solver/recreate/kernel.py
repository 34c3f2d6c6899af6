"""The inner loop of the search for few moves, compiled: take some moves back, and make the best there are instead.

Ruin and recreate (Schrimpf et al. 2000). The best of all moves is found without trying each: what a move costs falls
apart into what the volume's pool saves and what the cheapest other pool pays.
"""

from __future__ import annotations

from typing import Any, Final

from allocator.solver.rearrange.kernel.chance import below, compiled, share
from allocator.solver.rearrange.kernel.making import shift
from allocator.solver.rearrange.state import BEST, COST, State
from allocator.solver.recreate.tables import AWAY, BYTES, FULL, MOVES, PER_SOURCE, PER_TARGET, Tables

RUIN: Final = 12
"""Moves that are taken back at once, at the most."""
COSTS, WHO, WHERE, KNOWN = 0, 1, 2, 3
"""Of `best`."""
AT_HOME, AWAY_ALREADY = 0, 1
"""Of `best`: the best move of a volume that is at home, and of one that is not."""


@compiled
def _with(s: State, m: int, like: int, sign: int, at_home: bool) -> Any:
    """What a pool costs with one such volume more (sign 1) or less (-1); FULL where a limit is passed."""
    cost = 0
    for d in range(s.use.shape[1]):
        change = 0 if at_home and s.held[d] else sign * s.need[s.kind[m], like, d]
        now = s.use[m, d] + change
        if change > 0 and now > s.most[m, d]:
            return FULL
        cost += s.weight[m, d] * max(now - s.above[m, d], 0)
    return cost


@compiled
def _look(s: State, t: Tables, m: int) -> None:
    """What one more volume costs on a pool, of every likeness that may lie there."""
    part = t.part[m]
    closed = t.came[m] >= t.left[PER_TARGET]
    for i in range(t.likes_from[part], t.likes_from[part + 1]):
        like = t.likes[i]
        cost = FULL if closed else _with(s, m, like, 1, False)
        t.more[like, m] = cost if cost == FULL else cost - s.cost[m]


@compiled
def _aim(t: Tables, sort: int) -> None:
    """Where one more of a sort costs least."""
    to, least, like, screen = -1, FULL, t.like[sort], t.screen[sort]
    for i in range(t.pools_from[screen], t.pools_from[screen + 1]):
        m = t.pools[i]
        if t.more[like, m] < least:
            to, least = m, t.more[like, m]
    t.to[sort], t.least[sort] = to, least


@compiled
def begin(s: State, t: Tables) -> None:
    """Fill the tables."""
    for m in range(len(s.use)):
        _look(s, t, m)
    for sort in range(len(t.like)):
        _aim(t, sort)


@compiled
def _count(s: State, t: Tables, p: int, sign: int) -> None:
    """A volume has left home (sign 1), or is about to be there again (-1)."""
    t.left[MOVES] -= sign
    t.left[BYTES] -= sign * t.size[p]
    t.went[s.home[p]] += sign
    if sign > 0:
        t.seat[p] = t.left[AWAY]
        t.away[t.seat[p]] = p
    else:
        last = t.away[t.left[AWAY] - 1]
        t.away[t.seat[p]], t.seat[last] = last, t.seat[p]
        t.seat[p] = -1
    t.left[AWAY] += sign


@compiled
def _go(s: State, t: Tables, p: int, b: int) -> Any:
    """Let a volume go, and learn what is different then: whether its groups let it."""
    a, home = s.at[p], s.home[p]
    if not shift(s, p, b):
        return False
    if a == home:
        _count(s, t, p, 1)
    elif b == home:
        _count(s, t, p, -1)
    t.came[a] -= a != home
    t.came[b] += b != home
    _look(s, t, a)
    _look(s, t, b)
    part = t.part[a]
    for i in range(t.sorts_from[part], t.sorts_from[part + 1]):
        sort = t.sorts[i]
        if t.to[sort] == a or t.to[sort] == b:
            _aim(t, sort)
            continue
        for m in (a, b):
            if t.more[t.like[sort], m] < t.least[sort] and s.open[t.screen[sort], m]:
                t.to[sort], t.least[sort] = m, t.more[t.like[sort], m]
    if t.left[BYTES] < FULL // 2:
        t.best[:, :, KNOWN] = 0
    t.best[part, :, KNOWN] = 0
    return True


@compiled
def _home_costs(s: State, p: int) -> Any:
    """What the pool that a volume came from costs more once it is back; FULL where it has no room any more."""
    cost = _with(s, s.home[p], s.like[p], 1, True)
    return cost if cost == FULL else cost - s.cost[s.home[p]]


@compiled
def _best(s: State, t: Tables, part: int, now: int) -> None:
    """The best moves in a part: of volumes at home, and of others, which go elsewhere or back."""
    best = t.best[part]
    best[:, COSTS], best[:, WHO], best[:, WHERE], best[:, KNOWN] = 0, -1, -1, 1
    for i in range(t.volumes_from[part], t.volumes_from[part + 1]):
        p = t.volumes[i]
        a, home, to = s.at[p], s.home[p], t.to[t.sort[p]]
        which = AT_HOME if a == home else AWAY_ALREADY
        if t.barred[p] == now:
            continue
        if a == home and (s.cost[a] == 0 or t.left[BYTES] < t.size[p] or t.went[a] >= t.left[PER_SOURCE]):
            continue
        saved = _with(s, a, s.like[p], -1, a == home) - s.cost[a]
        cost = saved + t.least[t.sort[p]] + (s.leaving[p] if a == home else 0)
        if cost < best[which, COSTS] and to != a and to != home:
            best[which, COSTS], best[which, WHO], best[which, WHERE] = cost, p, to
        if a != home:
            cost = saved + _home_costs(s, p) - s.leaving[p]
            if cost < best[which, COSTS]:
                best[which, COSTS], best[which, WHO], best[which, WHERE] = cost, p, home


@compiled
def _recreate(s: State, t: Tables, now: int, written: int) -> Any:
    """Make the best move there is until none is any good: how much of the log is written then."""
    while written < len(t.log):
        least, part, which = 0, -1, 0
        for one in range(len(t.best)):
            if t.best[one, 0, KNOWN] == 0:
                _best(s, t, one, now)
            for kind in range(AT_HOME if t.left[MOVES] > 0 else AWAY_ALREADY, 2):
                if t.best[one, kind, COSTS] < least:
                    least, part, which = t.best[one, kind, COSTS], one, kind
        if part < 0:
            break
        p, b = t.best[part, which, WHO], t.best[part, which, WHERE]
        t.log[written, 0], t.log[written, 1] = p, s.at[p]
        if _go(s, t, p, b):
            written += 1
        else:
            t.barred[p] = now
            t.best[part, :, KNOWN] = 0
    return written


@compiled
def _ruin(s: State, t: Tables, seed: Any, now: int) -> Any:
    """Take some moves back, half of the time such that share a pool with the first, and bar half of those volumes."""
    written, number = 0, t.left[AWAY]
    if number == 0:
        return 0
    most, near, i = 1 + below(seed, min(number, RUIN)), below(seed, 2) == 0, below(seed, number)
    a, b = s.home[t.away[i]], s.at[t.away[i]]
    for _ in range(number):
        if written == most:
            break
        i = i + 1 if near else below(seed, number)
        p = t.away[i % t.left[AWAY]]
        here, there = s.home[p], s.at[p]
        if near and here != a and here != b and there != a and there != b:
            continue
        if _home_costs(s, p) < FULL and _go(s, t, p, here):
            t.log[written, 0], t.log[written, 1] = p, there
            written += 1
            if below(seed, 2) == 0:
                t.barred[p] = now
    return written


@compiled
def _goal(s: State, t: Tables) -> Any:
    """The goal alone: what all costs without what it costs to be away from home, which is the same for each volume."""
    return s.figures[COST] - s.leaving[0] * t.left[AWAY]


@compiled
def make(s: State, t: Tables, volumes: Any, pools: Any) -> None:
    """Make moves that are known to be allowed together."""
    for i in range(len(volumes)):
        _go(s, t, volumes[i], pools[i])


@compiled
def greedy(s: State, t: Tables) -> None:
    """Make the best move there is until none is any good."""
    while _recreate(s, t, 0, 0) > 0:
        pass
    s.best[:] = s.at
    s.figures[BEST] = _goal(s, t)


@compiled
def improve(s: State, t: Tables, seed: Any, first: int, rounds: int, heat: float) -> None:
    """Take back and make anew so many times, from number `first` on; what is worse by less than `heat` may stay.

    What counts is the goal: each move was worth its while when it was made, so that more of them are welcome.
    """
    for now in range(first, first + rounds):
        before = _goal(s, t)
        written = _recreate(s, t, now, _ruin(s, t, seed, now))
        after = _goal(s, t)
        if after >= before + heat * share(seed):
            for i in range(written - 1, -1, -1):
                _go(s, t, t.log[i, 0], t.log[i, 1])
        elif after < s.figures[BEST]:
            s.best[:] = s.at
            s.figures[BEST] = after
        for i in range(written):
            t.best[t.part[s.home[t.log[i, 0]]], :, KNOWN] = 0
