"""The volume allocation engine: which pool and host each volume goes to, and why not."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allocator.domain.inventory import Inventory as Inventory
    from allocator.domain.outcome import Outcome as Outcome
    from allocator.domain.policy import Policy as Policy
    from allocator.domain.request import Request as Request
    from allocator.engine import Allocator as Allocator
    from allocator.engine import Unsatisfiable as Unsatisfiable

_HOMES = {
    "Allocator": "allocator.engine",
    "Inventory": "allocator.domain.inventory",
    "Outcome": "allocator.domain.outcome",
    "Policy": "allocator.domain.policy",
    "Request": "allocator.domain.request",
    "Unsatisfiable": "allocator.engine",
}

__all__ = ["Allocator", "Inventory", "Outcome", "Policy", "Request", "Unsatisfiable"]


def __getattr__(name: str) -> object:
    """Load a public name when it is first used: `allocator --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'allocator' has no attribute {name!r}. Maybe one of {', '.join(__all__)}.")
    return getattr(import_module(_HOMES[name]), name)
