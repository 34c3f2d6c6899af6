"""What a rebalance proposes: each move with its reason, what it makes of pools, and what stays broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.planning.waves import Ordered

NOTHING: Final = Ordered(())

Purpose = Literal["mends", "makes_room", "gains"]


@dataclass(frozen=True, slots=True)
class Effect:
    """A rule or a goal whose amount changes: less is better, and what is mended ends at 0."""

    what: str
    """The rule's or goal's name."""
    subject: str
    before: int
    after: int
    text: str

    @property
    def gain(self) -> int:
        return self.before - self.after


@dataclass(frozen=True, slots=True)
class Proposed:
    """One move, and why."""

    move: Move
    purpose: Purpose
    alone: tuple[Effect, ...]
    """What it would change if it were the only one."""
    missing: tuple[Effect, ...]
    """What would be worse if all others were made, and it alone were not: `after` is without it."""
    companions: tuple[str, ...]
    """Volumes that come to where it leaves: it makes room for them."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What one pool has sold of something, before and after."""

    pool: str
    what: str
    """The rule that limits it."""
    before: int
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Usable:
    """How much more of something can be sold until the fullest pool is full, if every pool fills alike."""

    what: str
    before: int
    after: int
    fullest_before: str
    fullest_after: str


@dataclass(frozen=True, slots=True)
class Staying:
    """What stays broken, and why no move mends it."""

    rule: str
    subject: str
    amount: int
    text: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Rebalance:
    """The moves and all that is said of them; `after` are the facts once all are made."""

    after: Inventory
    moves: tuple[Proposed, ...] = ()
    order: Ordered = NOTHING
    """The moves in waves, so that no state on the way breaks a rule, and those that have no place in any order."""
    pools: tuple[Filled, ...] = ()
    usable: tuple[Usable, ...] = ()
    staying: tuple[Staying, ...] = ()
    vms: tuple[tuple[str, str], ...] = ()
    """(VM, host) of VMs that the control plane has to move, since hosts are its own."""
    broken: tuple[int, int] = (0, 0)
    """How much was to be mended, before and after: each breach in millionths of what it was."""
    goals: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    """Each goal's change, and the bound below which no answer can go (None: not proven)."""
    made: int = 0
    """Volumes that moved shortly before, and counted against the budget."""
    deterministic: bool = True
    seconds: float = 0.0
    """The only figure that is not the same every time."""

    @property
    def leaves_some(self) -> bool:
        """Whether something stays broken, has no place in the order, or is for the control plane to do."""
        return bool(self.staying or self.vms or self.order.blocked)

    @property
    def size_bytes(self) -> int:
        return sum(proposed.move.size_bytes for proposed in self.moves)
