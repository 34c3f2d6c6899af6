"""The tallies of groups: a volume leaves them, joins them, or is found to break what they want."""

from __future__ import annotations

from typing import Any

from allocator.solver.rearrange.kernel.chance import compiled
from allocator.solver.rearrange.state import CROWD, HIGHEST, PROVIDES, SPREAD, WANTS


@compiled
def take(
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
def put(
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
def breaks(
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
def moved(moves: Any, teams: Any, figures: Any, team: int, home: int, a: int, b: int) -> Any:
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
