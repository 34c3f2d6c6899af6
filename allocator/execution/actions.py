"""What each kind of step does to the world: the only calls of drivers and agents that change anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final, TypeVar

from allocator.agent import Attachment
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool
from allocator.domain.plan import Step, StepKind
from allocator.domain.qos import Qos
from allocator.driver import Access, Client, DriverError, ErrorCode, Handle, StorageDriver
from allocator.execution.clients import client_to_grant, client_to_revoke, granted_to
from allocator.execution.connect import Connections
from allocator.execution.identities import client_behind, unheld
from allocator.execution.wish import is_met, wish_of
from allocator.ledger.records import Granted, Result, StoredVolume

_MOST_CHARACTERS: Final = 2048
T = TypeVar("T")


class Actions:
    """Does the steps of one plan, and remembers what it learns of its volumes on the way.

    `stored` are the plan's volumes as the ledger holds them. `do` and `look` raise DriverError, SecretError,
    PluginError, and whatever a defective plug-in raises.
    """

    def __init__(self, inventory: Inventory, connections: Connections, stored: Iterable[StoredVolume]) -> None:
        self._inventory = inventory
        self._connections = connections
        self._ids: dict[str, str] = {}
        self._devices: dict[str, str] = {}
        self._native: dict[str, str] = {}
        self._granted: dict[tuple[str, str], Granted] = {}
        self._accesses: dict[tuple[str, str], Access] = {}
        self._attached: set[tuple[str, str]] = set()
        for volume in stored:
            self._ids[volume.name] = volume.volume_id
            self._devices[volume.name] = volume.device
            if volume.native_id is not None:
                self._native[volume.name] = volume.native_id
            self._granted |= {(volume.name, granted.host): granted for granted in volume.access}
            self._attached |= {(volume.name, attached.host) for attached in volume.attachments}

    def learn(self, volumes: Iterable[Volume]) -> None:
        """Take note of volumes, of which nothing is there, that are to lie elsewhere."""
        changed = list(volumes)
        self._inventory = self._inventory.plus(changed)
        for volume in changed:
            self._native.pop(volume.name, None)
            for known in [key for key in self._accesses if key[0] == volume.name]:
                del self._accesses[known]

    async def do(self, step: Step) -> Result:
        """Do a step, again or for the first time. `reserve` and `release` are the ledger's alone."""
        actions: Mapping[StepKind, Callable[[Step], Awaitable[Result]]] = {
            "create": self._create,
            "grant": self._grant,
            "attach": self._attach,
            "detach": self._detach,
            "revoke": self._revoke,
            "delete": self._delete,
            "withdraw": self._withdraw,
            "regrant": self._regrant,
            "reattach": self._reattach,
        }
        return await actions[step.kind](step) if step.kind in actions else {}

    async def look(self, step: Step) -> Result | None:
        """Whether a step whose answer was lost has had its whole effect; None where it must be done again."""
        match step.kind:
            case "create":
                return await self._see_created(step)
            case "attach" | "detach":
                return await self._see_device(step)
            case "grant" | "revoke" | "delete":
                return await self._see_access(step)
        return None

    async def _create(self, step: Step) -> Result:
        pool = self._pool(step)
        wish = wish_of(self._volume(step), self._ids[step.volume], pool)
        return self._made(step, await self._connections.driver(pool).create_async(wish))

    async def _see_created(self, step: Step) -> Result | None:
        pool = self._pool(step)
        wish = wish_of(self._volume(step), self._ids[step.volume], pool)
        seen = await self._connections.driver(pool).inspect(pool.name, wish.volume_id)
        return self._made(step, seen.handle) if seen is not None and is_met(wish, seen) else None

    async def _delete(self, step: Step) -> Result:
        driver, handle = await self._reach(step)
        if handle is not None:
            await driver.delete_async(handle)
        self._native.pop(step.volume, None)
        return {}

    async def _grant(self, step: Step) -> Result:
        granted, _ = await self.gain(step)
        return {
            "uri": granted.uri,
            "address": granted.address,
            "iqn": granted.iqn,
            "chap_user": granted.chap_user,
        }

    async def _revoke(self, step: Step) -> Result:
        driver, handle = await self._reach(step)
        if handle is not None:
            granted = self._granted.get((step.volume, step.host or ""))
            client = self._client(step) if granted is None else client_to_revoke(granted)
            await driver.revoke_access(handle, client)
        self._granted.pop((step.volume, step.host or ""), None)
        self._accesses.pop((step.volume, step.host or ""), None)
        return {}

    async def _see_access(self, step: Step) -> Result | None:
        """Only a volume that is gone proves that access was taken away.

        Of one that is there names prove nothing, since devices spell them in their own ways; nor does it that nobody
        is let in, since an account or half a target may be left. And only a grant gives the URI.
        """
        pool = self._pool(step)
        seen = await self._connections.driver(pool).inspect(pool.name, self._ids[step.volume])
        return {} if seen is None and step.kind != "grant" else None

    async def _attach(self, step: Step) -> Result:
        host, volume = self._host(step), self._volume(step)
        agent = self._connections.agent(host)
        if agent is None:
            return {}
        granted, access = await self.gain(step)
        attachment = Attachment(
            device=self._devices[step.volume],
            access=access,
            managed=self._pool(step).managed,
            initiator=granted.iqn,
            throttle=volume.alternative.qos if volume.alternative.by_hypervisor else Qos(),
        )
        return {"device": _plain("device", await agent.attach(attachment))}

    async def _detach(self, step: Step) -> Result:
        agent = self._connections.agent(self._host(step))
        if agent is not None:
            await agent.detach(self._devices[step.volume])
        return {}

    async def _see_device(self, step: Step) -> Result | None:
        """A device that is gone is proof; one that is there must be attached again to learn its name."""
        agent = self._connections.agent(self._host(step))
        devices = set() if agent is None else {seen.device async for seen in agent.list_devices()}
        return {} if step.kind == "detach" and self._devices[step.volume] not in devices else None

    async def _withdraw(self, step: Step) -> Result:
        """Take access from whoever has it and is not in the ledger, as the device shows it now."""
        pool = self._pool(step)
        driver = self._connections.driver(pool)
        seen = await driver.inspect(pool.name, self._ids[step.volume])
        if seen is not None:
            held = [granted for (volume, _), granted in self._granted.items() if volume == step.volume]
            for identity in unheld(seen.granted, held):
                await driver.revoke_access(seen.handle, client_behind(identity, held, self._inventory.hosts.values()))
        return {}

    async def _regrant(self, step: Step) -> Result:
        """Grant again, if the ledger still says so."""
        return await self._grant(step) if (step.volume, step.host or "") in self._granted else {}

    async def _reattach(self, step: Step) -> Result:
        """Attach again, with the limits that belong to it, if the ledger still says so; else detach."""
        return await (self._attach if (step.volume, step.host or "") in self._attached else self._detach)(step)

    async def gain(self, step: Step) -> tuple[Granted, Access]:
        """Grant access, or learn again what was granted: the secrets are kept nowhere else."""
        known = (step.volume, step.host or "")
        if known not in self._accesses:
            driver, handle = await self._reach(step)
            if handle is None:
                raise DriverError(ErrorCode.NOT_FOUND, f"Volume {step.volume} is not on {step.pool} any more.")
            client = self._client(step)
            access = await driver.grant_access(handle, client)
            secrets = [*access.secrets.values(), client.chap_secret or ""]
            self._connections.secrets.remember(*secrets)
            if any(secret and secret in access.uri for secret in secrets):
                raise DriverError(ErrorCode.INVALID, f"The driver of {step.pool} puts a secret into its URIs.")
            self._granted[known] = granted_to(client, _plain("URI", access.uri))
            self._accesses[known] = access
        return self._granted[known], self._accesses[known]

    async def _reach(self, step: Step) -> tuple[StorageDriver, Handle | None]:
        """The driver and the volume's handle there; None where the device has no such volume."""
        pool, volume_id = self._pool(step), self._ids[step.volume]
        driver = self._connections.driver(pool)
        if step.volume in self._native:
            return driver, Handle(volume_id, pool.name, self._native[step.volume])
        seen = await driver.inspect(pool.name, volume_id)
        return driver, None if seen is None else seen.handle

    def _made(self, step: Step, handle: Handle) -> Result:
        self._native[step.volume] = _plain("native id", handle.native_id)
        return {"native_id": handle.native_id}

    def _client(self, step: Step) -> Client:
        return client_to_grant(self._host(step), self._pool(step), self._connections.secrets.fetch)

    def _volume(self, step: Step) -> Volume:
        return _present(self._inventory.find(step.volume), "volume", step.volume)

    def _pool(self, step: Step) -> Pool:
        return _present(self._inventory.pools.get(step.pool), "pool", step.pool)

    def _host(self, step: Step) -> Host:
        return _present(self._inventory.hosts.get(step.host or ""), "host", str(step.host))


def _present(found: T | None, kind: str, name: str) -> T:
    if found is None:
        raise DriverError(ErrorCode.INVALID, f"There is no {kind} {name} in the inventory. Maybe add it again.")
    return found


def _plain(what: str, text: str) -> str:
    """A device's text, if it is one line of bounded length."""
    if len(text) > _MOST_CHARACTERS or not text.isprintable():
        raise DriverError(
            ErrorCode.INVALID,
            f"A plug-in gave a {what} that is no line of up to {_MOST_CHARACTERS:,} signs: {text[:40]!r}.",
        )
    return text
