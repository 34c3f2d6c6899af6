"""Rule `state`: nothing new where nothing new is wanted, and nothing at all where a place is being emptied."""

from __future__ import annotations

from collections.abc import Iterable

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Charge, one_each
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule


class State(LimitRule):
    """Rule: only a pool or host that is `up` takes new volumes; what lies on one that is draining or down is broken.

    Formula: newcomers <= 0 where state is not `up`; volumes <= 0 where state is `draining` or `down`.

    Why: a pool that is full keeps what it has; one that is being emptied must not; what lies on one that is
    down is a finding, and never the source of a copy.
    """

    name = "state"
    reads = "wishes"
    static = True

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._limits = tuple(
            Limit(f"{over}-{key}", "volumes", Charge(f"volumes on {over}", over, one_each), at_most, arrivals=arrivals,
                  closed=closed)
            for over in ("pool", "host")
            for key, at_most, arrivals, closed in (
                ("arrivals", _newcomers, True, "take nothing new (state not up)"),
                ("leaving", _volumes, False, "hold volumes while draining or down"),
            )
        )  # fmt: skip

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits


def _newcomers(place: Pool | Host) -> int:
    return UNLIMITED if place.state == "up" else 0


def _volumes(place: Pool | Host) -> int:
    return 0 if place.state in ("draining", "down") else UNLIMITED
