"""Moves put in order: waves that may run side by side, so that both places of a volume have room while it moves."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.planning.deadlock import Blocked, blocked_for_good, staging
from allocator.planning.needs import Need, Spot, Way
from allocator.planning.replay import unfit
from allocator.planning.room import Room
from allocator.rule import Rule


@dataclass(frozen=True, slots=True)
class AtOnce:
    """What may be under way at the same time; None: any number of it."""

    moves: int = 16
    per_source: int = 4
    per_target: int = 4
    size_bytes: int | None = None
    """Of the volumes under way; a larger one goes alone."""
    bytes_per_second: int | None = None
    """What all copying together may take: a wave lasts as long as its bytes take at that rate."""


USUAL: Final = AtOnce()


@dataclass(frozen=True, slots=True)
class Wave:
    """Moves that may run side by side, once all waves before are done."""

    moves: tuple[Move, ...]
    size_bytes: int
    seconds: int | None
    """How long copying takes, rounded up; None where no rate is given."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """Moves in order, and those for which there is no order, each with why."""

    waves: tuple[Wave, ...]
    staged: tuple[str, ...] = ()
    """Volumes that wait on a third pool, and so move twice: first to it, and from it in a later wave."""
    blocked: tuple[Blocked, ...] = ()

    @property
    def seconds(self) -> int | None:
        """How long copying takes altogether."""
        known = [wave.seconds for wave in self.waves if wave.seconds is not None]
        return sum(known) if len(known) == len(self.waves) else None


def waves(moves: Iterable[Move], inventory: Inventory, rules: Sequence[Rule], *, at_once: AtOnce = USUAL) -> Ordered:
    """An order in which no state on the way breaks a rule, or makes a broken one worse.

    `inventory` is the state before the first move; moves that come first in `moves` go first where they can. Where
    volumes wait for each other in a circle, the smallest that lets others go is staged on a third pool, which obeys
    every rule for it. What stays blocked is left out of the waves. The same moves give the same order.
    """
    return _Order(moves, inventory, rules, at_once).ordered()


@dataclass(slots=True)
class _Load:
    """What the wave that is being filled has under way."""

    ways: list[Way] = field(default_factory=list)
    size_bytes: int = 0
    sources: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    targets: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    company: set[str] = field(default_factory=set)

    def takes(self, way: Way, at_once: AtOnce) -> bool:
        """Whether one more may go beside them."""
        most = at_once.size_bytes
        return (
            len(self.ways) < at_once.moves
            and self.sources[way.move.source] < at_once.per_source
            and self.targets[way.move.target] < at_once.per_target
            and (most is None or not self.ways or self.size_bytes + way.move.size_bytes <= most)
            and self.company.isdisjoint(way.company)
        )

    def add(self, way: Way) -> None:
        self.ways.append(way)
        self.size_bytes += way.move.size_bytes
        self.sources[way.move.source] += 1
        self.targets[way.move.target] += 1
        self.company |= way.company


class _Order:
    """One ordering: moves that are ready by source and target, those that wait by the sum they wait for."""

    def __init__(self, moves: Iterable[Move], inventory: Inventory, rules: Sequence[Rule], at_once: AtOnce) -> None:
        self._room = Room(inventory, rules)
        self._at_once = at_once
        self._ready: dict[tuple[str, str], deque[Way]] = {}
        self._waiting: dict[Way, Need | None] = {}
        self._waiters: dict[Spot, dict[Way, None]] = defaultdict(dict)
        self._minding: dict[str, dict[Way, None]] = defaultdict(dict)
        self._goals: dict[str, Volume] = {}
        """Of volumes that are staged, what they are to be in the end."""
        self._blocked: list[Blocked] = []
        for move in moves:
            never = unfit(move, inventory) or self._room.never(move)
            if never is None:
                self._offer(self._room.way(move))
            else:
                self._blocked.append(Blocked(move, None, 0, (), never))

    def ordered(self) -> Ordered:
        found: list[Wave] = []
        while self._ready or self._waiting:
            load = self._filled()
            if not load.ways:
                load = self._staging()
            if not load.ways:
                break
            found.append(self._done(load))
        self._blocked += blocked_for_good(self._room, self._waiting)
        return Ordered(tuple(found), tuple(self._goals), tuple(self._blocked))

    def _offer(self, way: Way) -> None:
        self._ready.setdefault((way.move.source, way.move.target), deque()).append(way)

    def _filled(self) -> _Load:
        """Begin as many as may be under way at once; those that find no room wait for it."""
        load = _Load()
        for pair in list(self._ready):
            if len(load.ways) >= self._at_once.moves:
                break
            queue, kept = self._ready[pair], []
            while queue and len(load.ways) < self._at_once.moves:
                way = queue.popleft()
                if load.takes(way, self._at_once):
                    self._try(way, load)
                    continue
                kept.append(way)
                if not way.company:
                    break
            queue.extendleft(reversed(kept))
            if not queue:
                del self._ready[pair]
        return load

    def _try(self, way: Way, load: _Load) -> None:
        need = self._room.lacks(way)
        if need is None and self._room.minds(way) is None:
            self._begin(way, load)
            return
        self._waiting[way] = need
        for key, others in self._kept(way, need):
            others[key][way] = None

    def _begin(self, way: Way, load: _Load) -> None:
        self._room.begin(way)
        load.add(way)

    def _done(self, load: _Load) -> Wave:
        """All that is under way is done: whoever waited for the room is ready again."""
        woken: dict[Way, None] = dict(self._minding.get("", {}))
        for way in load.ways:
            self._room.end(way)
            for spot, _ in way.frees:
                woken |= self._waiters.get(spot, {})
            for name in way.company:
                woken |= self._minding.get(name, {})
            goal = self._goals.get(way.move.volume)
            if goal is not None and goal is not way.move.then:
                self._offer(self._room.way(Move(way.move.then, goal)))
        for way in woken:
            need = self._waiting[way]
            if need is None or not self._room.short(need):
                self._stop_waiting(way)
                self._offer(way)
        rate = self._at_once.bytes_per_second
        seconds = None if rate is None else -(-load.size_bytes // rate)
        return Wave(tuple(way.move for way in load.ways), load.size_bytes, seconds)

    def _stop_waiting(self, way: Way) -> None:
        for key, others in self._kept(way, self._waiting.pop(way)):
            del others[key][way]

    def _kept(self, way: Way, need: Need | None) -> Iterator[tuple[Any, dict[Any, dict[Way, None]]]]:
        """Where a waiting move is kept: with whom it waits for room, or for company to be done."""
        for spot in need.spots if need is not None else ():
            yield spot, self._waiters
        for name in way.company or ({""} if need is None else ()):
            yield name, self._minding

    def _staging(self) -> _Load:
        """Begin to stage what breaks each circle of volumes that wait for each other."""
        load = _Load()
        for way, hop in staging(self._room, self._waiting, self._goals):
            if load.takes(hop, self._at_once):
                self._stop_waiting(way)
                self._goals[way.move.volume] = way.move.then
                self._begin(hop, load)
        return load
