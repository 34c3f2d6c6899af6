"""What a rebalance is asked for: what to mend or to gain, and how much may move for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from allocator.domain.move import Move
from allocator.domain.placement import Volume

Gain = Literal["balance", "packing"]
"""A goal that moves may be made for once nothing is broken."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much may move; None: as much as it takes."""

    moves: int | None = None
    size_bytes: int | None = None
    per_source: int | None = None
    """Moves that leave one pool."""
    per_target: int | None = None
    """Moves that arrive at one pool."""

    @property
    def has_end(self) -> bool:
        """Whether moves that were made before leave less of it."""
        return self.moves is not None or self.size_bytes is not None

    @property
    def spent(self) -> bool:
        """Whether nothing more may move."""
        return self.moves == 0 or self.size_bytes == 0

    def allows(self, moves: Sequence[Move]) -> bool:
        """Whether all of these may be made."""
        counts = Counter(move.source for move in moves), Counter(move.target for move in moves)
        per_source, per_target = (max(count.values(), default=0) for count in counts)
        taken = len(moves), sum(move.size_bytes for move in moves), per_source, per_target
        limits = self.moves, self.size_bytes, self.per_source, self.per_target
        return all(limit is None or amount <= limit for amount, limit in zip(taken, limits, strict=True))

    def less(self, sizes: Iterable[int]) -> Budget:
        """What is left of moves and bytes after such moves."""
        taken = list(sizes)
        return Budget(
            None if self.moves is None else max(0, self.moves - len(taken)),
            None if self.size_bytes is None else max(0, self.size_bytes - sum(taken)),
            self.per_source,
            self.per_target,
        )


@dataclass(frozen=True, slots=True)
class Aim:
    """What is wanted; with nothing named, whatever is broken is mended and load is evened out."""

    drain: tuple[str, ...] = ()
    """Pools or hosts that are to be left by all volumes, whatever their state."""
    repair: bool = False
    gain: Gain | None = None
    budget: Budget = Budget()
    window_seconds: int = 12 * 60 * 60
    """What moved within so long before counts against the budget's moves and bytes, as far as a ledger knows of it: so
    a job that is started twice in one night moves no more than one that is started once."""
    pinned: frozenset[str] = frozenset()
    """Volumes that stay, whatever it costs."""
    worthwhile: int = 5_000
    """What a move that only evens out load must gain at the least: millionths of what a place may sell, as goal
    `balance` counts them (at each threshold again)."""

    @property
    def mends_all(self) -> bool:
        return self.repair or not (self.drain or self.gain)

    @property
    def gains(self) -> Gain | None:
        return self.gain if self.gain or self.drain or self.repair else "balance"

    def may_move(self, volume: Volume) -> bool:
        """Volumes that others made are counted and never touched (R07); one that is on the move already goes on."""
        return not volume.foreign and volume.moving_to is None and volume.name not in self.pinned
