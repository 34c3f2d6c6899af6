"""Every device asked at once what it holds; one that does not answer is told, and holds up nobody."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from allocator.agent import ObservedDevice
from allocator.domain.inventory import Inventory
from allocator.domain.places import Connection, Host, Pool
from allocator.driver import DriverError, ObservedVolume, PoolStats
from allocator.execution.connect import Connections, PluginError
from allocator.execution.secrets import SecretError

PATIENCE_SECONDS: Final = 60.0
P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OnPool:
    """A pool as its device shows it."""

    stats: PoolStats
    volumes: tuple[ObservedVolume, ...]


@dataclass(frozen=True)
class Seen:
    """What each pool and each host with an agent holds, or why it did not say, in words without secrets."""

    pools: Mapping[str, OnPool | str]
    hosts: Mapping[str, Mapping[str, ObservedDevice] | str]
    """Devices by their names, which are the ids of volumes."""

    @cached_property
    def ours(self) -> Mapping[str, Mapping[str, ObservedVolume]]:
        """By its id, on which pools each volume is that an engine made."""
        found: dict[str, dict[str, ObservedVolume]] = defaultdict(dict)
        for pool, shown in self.pools.items():
            if not isinstance(shown, str):
                for volume in shown.volumes:
                    if volume.ours:
                        found[volume.handle.volume_id][pool] = volume
        return dict(found)

    @cached_property
    def attached(self) -> Mapping[str, Mapping[str, ObservedDevice]]:
        """By its id, on which hosts each volume is."""
        found: dict[str, dict[str, ObservedDevice]] = defaultdict(dict)
        for host, devices in self.hosts.items():
            if not isinstance(devices, str):
                for device in devices.values():
                    found[device.device][host] = device
        return dict(found)


async def look(inventory: Inventory, connections: Connections) -> Seen:
    """Ask all drivers and agents side by side, each for no longer than PATIENCE_SECONDS. Nothing is changed."""
    pools, hosts = await asyncio.gather(look_at_pools(inventory, connections), _look_at_hosts(inventory, connections))
    return Seen(pools, hosts)


async def look_at_pools(inventory: Inventory, connections: Connections) -> Mapping[str, OnPool | str]:
    """What each pool holds, or why its driver did not say."""

    async def ask(pool: Pool) -> OnPool:
        driver = connections.driver(pool)
        stats = await driver.pool_stats(pool.name)
        return OnPool(stats, tuple([volume async for volume in driver.list_volumes(pool.name)]))

    asked = [(pool, inventory.drivers.get(pool.driver)) for pool in inventory.pools.values()]
    answers = await asyncio.gather(*(_told(ask, *each, connections) for each in asked))
    return dict(zip(inventory.pools, answers, strict=True))


async def _look_at_hosts(
    inventory: Inventory, connections: Connections
) -> Mapping[str, Mapping[str, ObservedDevice] | str]:
    async def ask(host: Host) -> Mapping[str, ObservedDevice]:
        agent = connections.agent(host)
        assert agent is not None, "only hosts with an agent are asked"
        return {device.device: device async for device in agent.list_devices()}

    hosts = [host for host in inventory.hosts.values() if host.agent is not None]
    asked = [(host, inventory.agents.get(host.agent or "")) for host in hosts]
    answers = await asyncio.gather(*(_told(ask, *each, connections) for each in asked))
    return dict(zip((host.name for host in hosts), answers, strict=True))


async def _told(
    ask: Callable[[P], Awaitable[T]], place: P, asked: Connection | None, connections: Connections
) -> T | str:
    try:
        # Waiting for one's turn is not waiting for an answer.
        async with connections.gates.before(asked), asyncio.timeout(PATIENCE_SECONDS):
            return await ask(place)
    except TimeoutError:
        return f"There was no answer within {PATIENCE_SECONDS:g} s. Maybe it hangs."
    except (DriverError, PluginError, SecretError) as error:
        return connections.secrets.hidden(str(error))
    except Exception as defect:
        text = connections.secrets.hidden(f"{type(defect).__name__}: {defect}")
        return f"{text}. Maybe a defect: a plug-in raises DriverError only."
