"""What the search for few moves knows beside the sums, as arrays: S sorts of volumes, M pools in P parts, L likenesses.

Volumes of a sort need the same of every pool and may go to the same pools. No volume may go from one part to another:
what moves in one changes nothing in the others, but for the budget.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import networkx as nx
import numpy as np

from allocator.domain.rebalance import Budget
from allocator.solver.rearrange.state import Ints, State

FULL: Final = 2**60
"""What it costs where a limit would be passed; budgets that are not there allow as much."""
MOST_CELLS: Final = 2**26
"""Pairs of a likeness and a pool (512 MiB of 64 bits each)."""
MOVES: Final = 0
"""Of `left`: how many volumes may still leave home."""
BYTES: Final = 1
"""Of `left`: how many bytes may."""
PER_SOURCE: Final = 2
PER_TARGET: Final = 3
"""Of `left`: moves from one pool and to one pool at the most."""
AWAY: Final = 4
"""Of `left`: how many volumes are away from home."""


class Tables(NamedTuple):
    """All arrays of 64-bit whole numbers."""

    size: Ints
    """[V] bytes of each volume."""
    sort: Ints
    """[V]"""
    like: Ints
    """[S]"""
    pools: Ints
    """Where volumes of a screen may go, screen by screen, from `pools_from` of the screen to that of the next."""
    pools_from: Ints
    screen: Ints
    """[S]"""
    part: Ints
    """[M]"""
    volumes: Ints
    """All volumes, part by part, from `volumes_from` of the part to that of the next; sorts and likenesses alike."""
    volumes_from: Ints
    sorts: Ints
    sorts_from: Ints
    likes: Ints
    likes_from: Ints
    more: Ints
    """[L, M] how much more a pool costs with one more such volume; FULL: it does not fit."""
    to: Ints
    """[S] where one more costs least; -1: nowhere."""
    least: Ints
    """[S] and how much that is."""
    away: Ints
    """[V] the volumes that are away from home, as many as there are."""
    seat: Ints
    """[V] where each stands among those; -1: it is at home."""
    barred: Ints
    """[V] the last round in which the volume may not move."""
    went: Ints
    """[M] moves from each pool."""
    came: Ints
    """[M] moves to each pool."""
    left: Ints
    """[5] see MOVES, BYTES, PER_SOURCE, PER_TARGET, AWAY."""
    best: Ints
    """[P, 2, 4] of each part, of volumes at home and of others: what the best move costs, whose it is, where to, and
    whether that is known."""
    log: Ints
    """[.., 2] volumes that have moved in this round, and where they were before."""


def tables(s: State, size: Ints, budget: Budget) -> Tables:
    """The tables of a state in which all volumes are at home. Raises MemoryError where they would be too large."""
    volumes, pools, likes = len(s.at), len(s.use), s.need.shape[1]
    if likes * pools > MOST_CELLS:
        raise MemoryError(f"{likes:,} likenesses of volumes on {pools:,} pools are more than the search keeps.")
    screens = len(s.open)
    sorts, sort = np.unique(s.like * screens + s.screen, return_inverse=True)
    rows, columns = np.nonzero(s.open)
    linked = nx.empty_graph(screens + pools)
    linked.add_edges_from(zip(rows.tolist(), (screens + columns).tolist(), strict=True))
    part = np.zeros(screens + pools, dtype=np.int64)
    parts = 0
    for parts, members in enumerate(nx.connected_components(linked), 1):
        part[list(members)] = parts - 1
    of_sort = part[sorts % screens]
    pairs = np.unique(of_sort * likes + sorts // screens)
    limits = budget.moves, budget.size_bytes, budget.per_source, budget.per_target

    def by_part(of: Ints) -> tuple[Ints, Ints]:
        return np.argsort(of, kind="stable"), _from(of, parts)

    in_part, volumes_from = by_part(part[s.screen])
    in_order, sorts_from = by_part(of_sort)
    return Tables(
        size=size,
        sort=sort.reshape(-1),
        like=sorts // screens,
        pools=columns.astype(np.int64),
        pools_from=_from(rows, screens),
        screen=sorts % screens,
        part=part[screens:].astype(np.int64),
        volumes=in_part,
        volumes_from=volumes_from,
        sorts=in_order,
        sorts_from=sorts_from,
        likes=pairs % likes,
        likes_from=_from(pairs // likes, parts),
        more=np.full((likes, pools), FULL, dtype=np.int64),
        to=np.full(len(sorts), -1, dtype=np.int64),
        least=np.full(len(sorts), FULL, dtype=np.int64),
        away=np.zeros(volumes, dtype=np.int64),
        seat=np.full(volumes, -1, dtype=np.int64),
        barred=np.full(volumes, -1, dtype=np.int64),
        went=np.zeros(pools, dtype=np.int64),
        came=np.zeros(pools, dtype=np.int64),
        left=np.array([*(FULL if limit is None else limit for limit in limits), 0], dtype=np.int64),
        best=np.zeros((parts, 2, 4), dtype=np.int64),
        log=np.zeros((1024, 2), dtype=np.int64),
    )


def _from(of: Ints, count: int) -> Ints:
    """Where each of `count` groups begins among things that are sorted by their group."""
    starts: Ints = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=count))]).astype(np.int64)
    return starts
