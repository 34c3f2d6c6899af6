"""What a running plan asks for, once a pool has no space for a volume that was reserved there: another target.

Who runs steps does not decide. Whoever opened the plan decides, and takes the room in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.ledger import Claim

MOST_FULL: Final = 8
"""Pools that may say no to the volumes of one VM before that is the answer."""


@dataclass(frozen=True, slots=True)
class Homeless:
    """Volumes of a running plan, all of one VM, none of them made, that are to get other targets."""

    claim: Claim
    content: Plan
    """The plan as it is carried out now."""
    volumes: Collection[str]
    full: frozenset[str]
    """Pools that had no space for them."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Other targets, which the ledger holds already."""

    content: Plan
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Nowhere:
    """Nothing else fits, and why."""

    reasons: str


Again = Callable[[Homeless], Elsewhere | Nowhere]
"""Decides again and reserves that; called in a thread. Raises LedgerError."""
