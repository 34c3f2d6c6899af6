"""Moves that wait for each other: which of them form circles, what staging breaks one, and what room would."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import networkx as nx

from allocator.domain.move import Move
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.domain.places import Pool
from allocator.planning.needs import Need, Spot, Way
from allocator.planning.replay import begun
from allocator.planning.room import Room

MOST_TRIED: Final = 100
"""Volumes of one circle that a third pool is looked for, the smallest first."""
MOST_NAMED: Final = 5
"""Volumes that a text names; the value names all."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A move that has no place in any order."""

    move: Move
    reason: Reason | None
    """The limit that it would break, with its numbers; None where a text says all."""
    lacking: int
    """By how much: room of that size would let it go."""
    behind: tuple[str, ...]
    """The moves that would free such room, and cannot go either."""
    text: str


def staging(room: Room, waiting: Mapping[Way, Need | None], staged: Collection[str]) -> Iterator[tuple[Way, Way]]:
    """For each circle at the end of a chain of waiting moves, one of them and its way to a third pool instead.

    The one is the smallest that frees enough for another to go, where there is one. `staged` are not staged again.
    """
    alive = _alive(waiting)
    for circle in _circles(alive):
        wanted = _shortest(room, alive, circle)
        ranked = heapq.nsmallest(
            MOST_TRIED,
            (
                (freed < wanted[spot][0], one.way.move.size_bytes, one.way.move.volume, one.way, wanted[spot][1])
                for one in alive
                if one.way.move.volume not in staged
                for spot, freed in one.frees
                if spot in wanted
            ),
            key=itemgetter(0, 1, 2),
        )
        for *_, way, need in ranked:
            hop = _third_pool(room, way.move, need)
            if hop is not None:
                yield way, hop
                break


@dataclass(slots=True, eq=False)
class _Waiter:
    """A move that waits, and what it would free that somebody waits for."""

    way: Way
    need: Need
    frees: list[tuple[Spot, int]]


def _alive(waiting: Mapping[Way, Need | None]) -> list[_Waiter]:
    """The moves that wait for what others, which are alive too, would free."""
    wanted = {spot for need in waiting.values() if need is not None for spot in need.spots}
    # Most of what is freed is of charges that nobody waits for.
    charges = {charge for charge, _ in wanted}
    alive = [
        _Waiter(way, need, [free for free in way.frees if free[0][0] in charges and free[0] in wanted])
        for way, need in waiting.items()
        if need is not None
    ]
    while True:
        freed = {spot for one in alive for spot, _ in one.frees}
        kept = [one for one in alive if not freed.isdisjoint(one.need.spots)]
        if len(kept) == len(alive):
            return kept
        alive = kept


def _circles(alive: Iterable[_Waiter]) -> list[set[Spot]]:
    """Sets of sums, each of which shrinks only when another of the set does, and no set waits for a further one."""
    edges = {(freed, spot): None for one in alive for freed, _ in one.frees for spot in one.need.spots}
    graph: nx.DiGraph[Spot] = nx.DiGraph(list(edges))
    condensed = nx.condensation(graph)
    return [condensed.nodes[part]["members"] for part in condensed if condensed.out_degree(part) == 0]


def _shortest(room: Room, alive: Iterable[_Waiter], circle: set[Spot]) -> dict[Spot, tuple[int, Need]]:
    """For each sum the least that must leave it for some move to go."""
    found: dict[Spot, tuple[int, Need]] = {}
    for need in (one.need for one in alive):
        for spot in need.spots:
            if spot in circle and ((short := room.short(need)) < found.get(spot, (short + 1, need))[0]):
                found[spot] = (short, need)
    return found


def _third_pool(room: Room, move: Move, need: Need) -> Way | None:
    """The way to the pool with the most room that takes the volume for a while; None where none does."""
    limit = need.limit

    def left(pool: Pool) -> int:
        return limit.of(pool) - room.total((limit.charge, pool.name)) if limit.charge.over == "pool" else 0

    pools = room.inventory.pools.values()
    for pool in sorted(pools, key=lambda pool: (-left(pool), pool.name)):
        if pool.name in (move.source, move.target):
            continue
        hop = Move(move.now, Volume.on(pool, move.now.request, move.now.asked, move.now.hosts))
        if room.never(hop) is None:
            way = room.way(hop)
            if room.lacks(way) is None and room.minds(way) is None:
                return way
    return None


def blocked_for_good(room: Room, waiting: Mapping[Way, Need | None]) -> Iterator[Blocked]:
    """Each move that is left, with what it waits for and who would free that."""
    freeing: dict[Spot, list[str]] = defaultdict(list)
    for way in waiting:
        for spot, _ in way.frees:
            freeing[spot].append(way.move.volume)
    for way, need in waiting.items():
        behind = sorted({name for spot in (need.spots if need else ()) for name in freeing[spot]} - {way.move.volume})
        yield _blocked(room, way, need, tuple(behind))


def _blocked(room: Room, way: Way, need: Need | None, behind: tuple[str, ...]) -> Blocked:
    move = way.move
    reason, lacking = _reason(room, way, need), 0 if need is None else room.short(need)
    why = f": {reason.text}" if reason is not None else ""
    text = f"Volume {move.volume} cannot go from {move.source} to {move.target}{why}"
    if need is None:
        return Blocked(move, reason, lacking, behind, f"{text}. Maybe leave it where it is.")
    more = f"{need.limit.show(lacking)} more {need.limit.what} at {need.label}"
    if behind:
        text += f"; it waits for {named(behind)}, which cannot go either"
        return Blocked(move, reason, lacking, behind, f"{text}. Maybe {more}, or a third pool for one of them.")
    return Blocked(move, reason, lacking, behind, f"{text}, and no move frees that. Maybe {more}.")


def _reason(room: Room, way: Way, need: Need | None) -> Reason | None:
    if need is None:
        return room.minds(way)
    after = room.state.plus([begun(way.move)])
    subject = (need.limit.key, need.limit.charge.over, need.label)
    broken = need.rule.violations(after, Touched.by([begun(way.move)]))
    return next((need.rule.reason(one, after) for one in broken if one.subject == subject), None)


def named(names: Iterable[str]) -> str:
    """The first few of them, and how many more there are."""
    names = list(names)
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
