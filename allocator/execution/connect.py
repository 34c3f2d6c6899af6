"""From a configured connection to a live driver or agent, found by its entry point and built on first use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from importlib.metadata import entry_points
from types import TracebackType
from typing import Final, Literal, cast

from allocator.agent import HypervisorAgent
from allocator.domain.inventory import Inventory
from allocator.domain.places import Connection, Host, Pool
from allocator.driver import DriverError, PoolConfig, StorageDriver
from allocator.execution.gates import Gates
from allocator.execution.measured import measured
from allocator.execution.secrets import Secrets
from allocator.metrics import NO_METRICS, Metrics

DRIVERS: Final = "allocator.drivers"
AGENTS: Final = "allocator.agents"
Group = Literal["allocator.drivers", "allocator.agents"]
Loader = Callable[[Group, str], Callable[..., object]]
"""From an entry point's group and name to the plug-in's class."""


class PluginError(Exception):
    """A plug-in that is not configured, not installed, or broken."""


def installed(group: Group, name: str) -> Callable[..., object]:
    """The class behind an entry point; nothing else is ever imported. Raises PluginError."""
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise PluginError(
            f"{name} is not installed: {group} has {', '.join(sorted(found)) or 'none'}. "
            "Maybe install the package that brings it."
        )
    try:
        return cast("Callable[..., object]", found[name].load())
    except (ImportError, AttributeError) as error:
        raise PluginError(f"{name} of {group} cannot be loaded: {error}. Maybe install it again.") from error


class Connections:
    """The drivers and agents of an inventory. Use it as an async context, which closes what it built."""

    def __init__(
        self,
        inventory: Inventory,
        *,
        load: Loader = installed,
        metrics: Metrics = NO_METRICS,
        gates: Gates | None = None,
    ) -> None:
        """`gates`: those of others that use the same drivers and agents meanwhile (None: nobody does)."""
        self.secrets = Secrets()
        self.gates = Gates() if gates is None else gates
        self._metrics = metrics
        self._inventory = inventory
        self._load = load
        self._drivers: dict[str, StorageDriver] = {}
        self._agents: dict[str, HypervisorAgent] = {}

    async def __aenter__(self) -> Connections:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def driver(self, pool: Pool) -> StorageDriver:
        """The driver that serves a pool. Raises PluginError, SecretError, or the driver's DriverError."""
        if pool.driver not in self._drivers:
            connection = _configured(self._inventory.drivers.get(pool.driver), "driver", pool.driver)
            pools = [
                PoolConfig(other.name, other.host, dict(other.details))
                for other in self._inventory.pools.values()
                if other.driver == pool.driver
            ]
            self._drivers[pool.driver] = cast("StorageDriver", self._build(DRIVERS, connection, pools))
        return self._drivers[pool.driver]

    def agent(self, host: Host) -> HypervisorAgent | None:
        """The agent of a host; None where whoever runs the host attaches on their own. Raises as `driver`."""
        if host.agent is None:
            return None
        if host.agent not in self._agents:
            connection = _configured(self._inventory.agents.get(host.agent), "agent", host.agent)
            self._agents[host.agent] = cast("HypervisorAgent", self._build(AGENTS, connection))
        return self._agents[host.agent]

    async def close(self) -> None:
        """Close every driver and agent that was built."""
        async with AsyncExitStack() as closing:
            for driver in self._drivers.values():
                closing.push_async_callback(driver.close)
            for agent in self._agents.values():
                closing.push_async_callback(agent.close)
            self._drivers, self._agents = {}, {}

    def _build(self, group: Group, connection: Connection, *pools: Sequence[PoolConfig]) -> object:
        plugin = self._load(group, connection.plugin)
        config = self.secrets.filled(connection.config)
        try:
            return measured(plugin(config, *pools), connection.name, self._metrics)
        except DriverError:
            raise
        except Exception as error:
            text = self.secrets.hidden(f"{type(error).__name__}: {error}")
            raise PluginError(f"{connection.name} cannot be set up: {text}. Maybe its `config` lacks a key.") from None


def _configured(connection: Connection | None, kind: str, name: str) -> Connection:
    if connection is None:
        raise PluginError(f"There is no {kind} named {name}. Maybe add it under `{kind}s` in the documents.")
    return connection
