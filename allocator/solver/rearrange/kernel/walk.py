"""Moves that are tried at one heat: a volume shifts, two swap, or one makes another give way."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from allocator.solver.rearrange.kernel.chance import below, compiled, share
from allocator.solver.rearrange.kernel.making import alone, go, keep
from allocator.solver.rearrange.kernel.places import place
from allocator.solver.rearrange.kernel.tallies import breaks
from allocator.solver.rearrange.state import BAD, WRONG, State

ENDLESS: Final = 2**62


@compiled
def anneal(s: State, seed: Any, tries: int, heat: float, swaps: int, chains: int, homes: int, eager: float) -> Any:
    """Try so many moves; one that costs more is made with probability exp(-more / heat). How many were made.

    `swaps` and `chains` are the shares of moves of two volumes, and `homes` of those that lead home, in per cent. A
    move that may cost no more than `eager` begins on the more costly of two pools. The toll is left out of what the
    best answer costs.
    """
    at, home, like, kind, screen, open_ = s.at, s.home, s.like, s.kind, s.screen, s.open
    use, need, held, most, price, above, weight = s.use, s.need, s.held, s.most, s.price, s.above, s.weight
    way, stay, leaving, toll, cost, bad, figures = s.way, s.stay, s.leaving, s.toll, s.cost, s.bad, s.figures
    broken = s.broken
    ps, cs, part, over, label, base, partner = s.parties, s.counters, s.part, s.over, s.label, s.base, s.partner
    tally, crowd, used, least, party = s.tally, s.crowd, s.used, s.least, s.party
    volumes, places, rises, signed = len(at), use.shape[0], 2 * s.high, s.signed
    made = 0
    for _ in range(tries):
        room = -heat * np.log(share(seed))
        p = below(seed, volumes)
        if room < eager:
            q = below(seed, volumes)
            if cost[at[q]] > cost[at[p]]:
                p = q
        a, likes = at[p], like[p]
        kind_of = below(seed, 100)
        q = c = -1
        if kind_of < swaps + chains:
            q = below(seed, volumes)
            b = at[q]
            c = a if kind_of < swaps else home[q] if kind_of % 2 and home[q] != b else below(seed, places)
            if a == b or b == c or not (open_[screen[p], b] and open_[screen[q], c]):
                continue
        else:
            b = home[p] if kind_of >= 100 - homes and home[p] != a else below(seed, places)
            if b == a or not open_[screen[p], b]:
                continue
        # What is broken now may be mended by any change: only as far as that can go is it too early to say no.
        limit = room + broken[0] * figures[WRONG] + rises
        swap = c == a
        more = alone(way, stay, home[p], leaving[p] + toll[p], likes, kind[a], kind[b], a, b) - cost[a] - cost[b]
        liked = -1
        if q >= 0:
            liked = like[q]
            more += alone(way, stay, home[q], leaving[q] + toll[q], liked, kind[b], kind[c], b, c)
            if not swap:
                more -= cost[c]
        enough = np.int64(min(limit - more, ENDLESS)) if signed == 0 else np.int64(ENDLESS)
        cost_b, bad_b = place(
            use, need, held, most, price, above, weight, b, kind[b], liked, q >= 0 and home[q] == b, likes, home[p] == b
        )
        if cost_b > enough:
            continue
        more += cost_b
        cost_c, bad_c = np.int64(0), 0
        if q >= 0 and not swap:
            cost_c, bad_c = place(
                use, need, held, most, price, above, weight, c, kind[c], -1, False, liked, home[q] == c
            )
            more += cost_c
            if cost_b + cost_c > enough:
                continue
        cost_a, bad_a = place(
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
            if breaks(ps, cs, part, over, label, base, partner, tally, crowd, used, least, party[p], a, b):
                continue
            if q >= 0 and breaks(ps, cs, part, over, label, base, partner, tally, crowd, used, least, party[q], b, c):
                continue
        if not go(s, p, a, b, q, c, more, room):
            continue
        made += 1
        figures[BAD] += bad_a - bad[a] + bad_b - bad[b]
        cost[a], bad[a], cost[b], bad[b] = cost_a, bad_a, cost_b, bad_b
        if q >= 0 and not swap:
            figures[BAD] += bad_c - bad[c]
            cost[c], bad[c] = cost_c, bad_c
        keep(s)
    return made
