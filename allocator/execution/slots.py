"""How many calls may be under way at once: of all drivers and agents together, and of each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.places import Connection
from allocator.domain.plan import Step

BY_AGENT: Final = frozenset({"attach", "detach", "copy", "verify", "mirror", "switch", "drop"})
"""Steps that the agent of their host does; the others are for the driver of their pool."""


class Slots:
    """`parallel` calls of one run at once, and of each driver or agent no more than its manifest allows."""

    def __init__(self, inventory: Inventory, parallel: int) -> None:
        self._inventory = inventory
        self._all = asyncio.Semaphore(parallel)
        self._each: dict[Connection, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def taken(self, step: Step) -> AsyncIterator[None]:
        """Wait for the turn of a call; one that waits for its own driver keeps no other from its turn."""
        async with AsyncExitStack() as held:
            connection = self._asked(step)
            if connection is not None and connection.manifest.parallel_calls is not None:
                each = self._each.setdefault(connection, asyncio.Semaphore(connection.manifest.parallel_calls))
                await held.enter_async_context(each)
            await held.enter_async_context(self._all)
            yield

    def _asked(self, step: Step) -> Connection | None:
        """Who does a step: the agent of its host, or the driver of its pool."""
        if step.kind in BY_AGENT:
            host = self._inventory.hosts.get(step.host or "")
            return None if host is None else self._inventory.agents.get(host.agent or "")
        pool = self._inventory.pools.get(step.pool)
        return None if pool is None else self._inventory.drivers.get(pool.driver)
