"""What the steps of a move do: copying by the agent, and all else on the one or the other pool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from allocator.agent import Copying, CopyingAgent, Side
from allocator.domain.charging import made_bytes
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.plan import Step
from allocator.driver import DriverError, ErrorCode
from allocator.execution.actions import Actions
from allocator.execution.connect import Connections
from allocator.ledger.records import Result, StoredVolume

_COPYING: Final = ("copy", "verify", "mirror", "switch", "drop")


class Moving(Actions):
    """Does the steps of one plan, some of whose volumes may be on the move and so are there twice."""

    def __init__(self, inventory: Inventory, connections: Connections, stored: Iterable[StoredVolume]) -> None:
        stored = tuple(stored)
        super().__init__(inventory, connections, stored)
        self._sides: dict[tuple[str, str], Actions] = {}
        for known in stored:
            volume = inventory.find(known.name)
            if volume is None or volume.moving_to is None:
                continue
            for form, held in zip(volume.forms, _by_pool(known, volume), strict=True):
                here = inventory.plus([replace(form, moving_to=None)])
                self._sides[known.name, form.pool] = Actions(here, connections, [held])

    async def do(self, step: Step) -> Result:
        """As `Actions.do`; copying takes as long as it takes."""
        side = self._sides.get((step.volume, step.pool))
        if side is None:
            return await super().do(step)
        if step.kind not in _COPYING:
            return await side.do(step)
        volume = self._volume(step)
        if not volume.hosts and step.kind in ("switch", "drop"):
            # Nobody uses it: where it is now is for the ledger to say.
            return {}
        agent, copying = self._copier(step), await self._copying(volume, step)
        if step.kind == "drop":
            await agent.drop(copying)
        elif step.kind == "copy":
            await agent.copy(copying)
        elif step.kind == "verify":
            await agent.compare(copying)
        else:
            await agent.mirror(copying)
            if step.kind == "switch":
                await agent.pivot(copying)
        return {}

    async def look(self, step: Step) -> Result | None:
        """As `Actions.look`. What copies may be repeated: it begins with a look of its own."""
        side = self._sides.get((step.volume, step.pool))
        if side is None:
            return await super().look(step)
        return None if step.kind in _COPYING else await side.look(step)

    async def _copying(self, volume: Volume, step: Step) -> Copying:
        sides = []
        for form in volume.forms:
            granted, access = await self._sides[step.volume, form.pool].gain(replace(step, pool=form.pool))
            sides.append(Side(access, granted.iqn))
        size_bytes = made_bytes(volume.request, self._inventory.pools[volume.pool])
        return Copying(self._devices[step.volume], sides[0], sides[1], size_bytes)

    def _copier(self, step: Step) -> CopyingAgent:
        host = self._host(step)
        agent = self._connections.agent(host)
        if not isinstance(agent, CopyingAgent):
            text = f"The agent of host {host.name} copies no volumes. Maybe name a host with agent qemu."
            raise DriverError(ErrorCode.UNSUPPORTED, text)
        return agent


def _by_pool(known: StoredVolume, volume: Volume) -> Iterable[StoredVolume]:
    """The one on each pool of a volume on the move, as the ledger holds it: before the switch, or after it."""
    for form in volume.forms:
        if form.pool == known.pool or known.copy is None:
            yield known
        else:
            copy = known.copy
            yield replace(known, pool=copy.pool, volume_id=copy.volume_id, native_id=copy.native_id, access=copy.access)
