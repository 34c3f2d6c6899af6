"""How many calls of one run may be under way at once: of all drivers and agents together, and of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.places import Connection
from allocator.domain.plan import Step
from allocator.execution.gates import Gates

BY_AGENT: Final = frozenset({"attach", "detach", "copy", "verify", "mirror", "switch", "drop"})
"""Steps that the agent of their host does; the others are for the driver of their pool."""


class Slots:
    """`parallel` calls of one run at once, and of each driver or agent no more than its gate lets in."""

    def __init__(self, inventory: Inventory, gates: Gates, parallel: int) -> None:
        self._inventory = inventory
        self._gates = gates
        self._all = asyncio.Semaphore(parallel)

    @asynccontextmanager
    async def taken(self, step: Step) -> AsyncIterator[None]:
        """Wait for the turn of a call; one that waits for its own driver keeps no other from its turn."""
        async with self._gates.before(self._asked(step)), self._all:
            yield

    def _asked(self, step: Step) -> Connection | None:
        """Who does a step: the agent of its host, or the driver of its pool."""
        if step.kind in BY_AGENT:
            host = self._inventory.hosts.get(step.host or "")
            return None if host is None else self._inventory.agents.get(host.agent or "")
        pool = self._inventory.pools.get(step.pool)
        return None if pool is None else self._inventory.drivers.get(pool.driver)
