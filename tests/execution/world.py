"""A small fleet on the plug-ins of files, and a ledger to run plans with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from allocator.documents.writing import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest, QosSupport, SizeSupport
from allocator.domain.placement import Volume
from allocator.domain.places import Chap, Connection, Endpoint, Host, Pool, SecretRef
from allocator.domain.plan import Plan
from allocator.domain.qos import Alternative, Band, Bands, Enforcer, Kind, Qos
from allocator.domain.request import Details, Provisioning, Request
from allocator.execution.attempts import Patience
from allocator.execution.connect import Connections, Group
from allocator.execution.report import Progress, Report
from allocator.execution.runner import run
from allocator.ledger import Ledger
from allocator.planning.steps import placement_steps
from tests.execution.plugins import Faults, FileAgent, FileDriver

SIZE_BYTES = 10_000
MADE_BYTES = 12_288
"""10,000 rounded up to the manifest's step of 4,096."""
AT_ONCE = Patience(attempts=4, first_delay_seconds=0.001, longest_delay_seconds=0.004, call_seconds=5)
PROVISIONED = Alternative(0, Kind.PROVISIONED, Qos(iops=Bands(Band(floor=500, ceiling=1000))))
THROTTLED = Alternative(0, Kind.THROTTLED, Qos(iops=Bands(Band(ceiling=800))))
NOTHING = Alternative(0, Kind.NONE)
MANIFEST = Manifest(
    "files",
    "test",
    size=SizeSupport(4096, None, 4096),
    provisioning=frozenset({"thin", "thick"}),
    qos=QosSupport(enforced=Enforcer.STORAGE, isolation=True),
    identities=frozenset({"iqn"}),
)
SECRET = "correct-horse"


def loaded(group: Group, plugin: str) -> Callable[..., object]:
    """In place of entry points."""
    return {"files": FileDriver, "devices": FileAgent}[plugin]


def volume(
    name: str,
    pool: str = "p1",
    hosts: tuple[str, ...] = ("h1",),
    *,
    vm: str | None = None,
    way: Alternative = NOTHING,
    provisioning: Provisioning | None = None,
    details: Details = (),
) -> Volume:
    request = Request(name, SIZE_BYTES, (way,), vm=vm, provisioning=provisioning, details=details)
    return Volume(request, pool, hosts, way, way)


def placement(*volumes: Volume) -> Plan:
    return Plan.of(placement_steps(volumes), [volume_document(volume) for volume in volumes])


def fleet(root: Path, faults: Faults | None = None, volumes: Iterable[Volume] = ()) -> Inventory:
    """Pools p1 and p2 on driver `files`, hosts h1, with a CHAP secret, h2, and h3 without an agent."""
    known = faults or Faults()
    root.mkdir(exist_ok=True)
    secret = root.parent / "chap"
    if not secret.exists():
        secret.touch(0o600)
        secret.write_text(SECRET)
    pools = [Pool(name, "files", MANIFEST, "zone", "z1") for name in ("p1", "p2")]
    chap = Chap("h1-user", SecretRef("file", str(secret)))
    hosts = [
        Host("h1", "z1", endpoints=(Endpoint("10.0.0.11", "iqn.2001-04.com.example:h1", chap),), agent="a1"),
        Host("h2", "z1", endpoints=(Endpoint("10.0.0.12", "iqn.2001-04.com.example:h2"),), agent="a2"),
        Host("h3", "z1"),
    ]
    config = {"root": str(root), "faults": known}
    agents = [Connection(f"a{number}", "devices", {**config, "host": f"h{number}"}, MANIFEST) for number in (1, 2)]
    return Inventory(pools, hosts, volumes, drivers=[Connection("files", "files", config, MANIFEST)], agents=agents)


def connections(inventory: Inventory) -> Connections:
    return Connections(inventory, load=loaded)


class World:
    """One ledger, one fleet, and the volumes that its inventory holds."""

    def __init__(self, tmp: Path) -> None:
        self.root = tmp / "devices"
        self.faults = Faults()
        self.url = f"sqlite:///{tmp}/ledger.db"
        self.ledger = Ledger.open(self.url)
        self.news: list[Progress] = []

    def apply(self, plan: Plan, *volumes: Volume, back: bool = False, parallel: int = 16) -> Report:
        """Reserve and run."""
        self.ledger.reserve(plan, seen=self.ledger.changes())
        return asyncio.run(self.run(plan, *volumes, back=back, parallel=parallel))

    async def run(self, plan: Plan, *volumes: Volume, back: bool = False, parallel: int = 16) -> Report:
        inventory = fleet(self.root, self.faults, volumes)
        async with connections(inventory) as connected:
            return await run(
                plan,
                self.ledger,
                inventory,
                connected,
                back=back,
                progress=self.news.append,
                patience=AT_ONCE,
                parallel=parallel,
            )

    def place(self, *volumes: Volume) -> Report:
        return self.apply(placement(*volumes), *volumes)

    def names(self) -> dict[str, str]:
        return {stored.name: stored.state for stored in self.ledger.volumes()}

    def id_of(self, name: str) -> str:
        return next(stored.volume_id for stored in self.ledger.volumes() if stored.name == name)


def interrupt(world: World, plan: Plan, point: str, *volumes: Volume) -> None:
    """Run a plan, and cancel it when it reaches a point."""

    async def interrupted() -> None:
        task = asyncio.create_task(world.run(plan, *volumes))

        def watch(reached: str) -> None:
            if reached == point:
                task.cancel()

        world.faults.around = watch
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    world.faults.around = lambda _: None
