"""A fleet on a real tgtd and two real qemu-storage-daemons, and hands on what they hold."""

from __future__ import annotations

import asyncio
from pathlib import Path

from allocator.agent import Attachment
from drivers.hypervisor.qemu import QemuAgent
from drivers.hypervisor.qmp import Qmp
from drivers.storage.tgt_control import Control
from tests.drivers import tgtadm
from tests.drivers.qsd import Qemu, held
from tests.drivers.tgtd import Tgtd
from tests.reconcile.sites import Site

ARRAYS = """
version: 1
drivers: {{array: {{driver: tgt, config: {{control: {control}, portal: "{portal}"}}}}}}
agents:
  q1: {{agent: qemu, config: {{qmp: {q1}}}}}
  q2: {{agent: qemu, config: {{qmp: {q2}}}}}
hosts:
  - {{name: h1, zone: z1, agent: q1, protocols: [iscsi], iops: 10000, endpoints: [{{iqn: "iqn.2026-01.org.site:h1"}}]}}
  - {{name: h2, zone: z1, agent: q2, protocols: [iscsi], iops: 10000, endpoints: [{{iqn: "iqn.2026-01.org.site:h2"}}]}}
pools:
  - {{name: d1, driver: array, zone: z1, capacity: 100MiB, details: {{path: {at}/d1}}}}
offerings:
  - {{name: capped, qos: {{throttled: {{total_iops: 800}}}}}}
"""


class Arrays(Site):
    """Pool d1 on tgtd; hosts h1 and h2, each a daemon that attaches."""

    def __init__(self, at: Path, tgtd: Tgtd, one: Qemu, other: Qemu) -> None:
        self.tgtd, self.daemons = tgtd, {"h1": one, "h2": other}
        documents = ARRAYS.format(at=at, control=tgtd.control, portal=tgtd.portal, q1=one.qmp, q2=other.qmp)
        super().__init__(at, documents)

    def admitted(self, identity: str) -> tuple[str, ...]:
        """Who may log in to a volume, as tgtd shows it."""

        async def shown() -> tuple[str, ...]:
            target = (await Control(self.tgtd.control).listing()).find(f"iqn.2026-01.org.allocator:{identity}")
            return () if target is None else target.admitted

        return asyncio.run(shown())

    def number(self, identity: str) -> int:
        """The volume's target, for tgtadm."""
        return asyncio.run(Control(self.tgtd.control).numbers())[f"iqn.2026-01.org.allocator:{identity}"]

    def admit(self, number: int, initiator: str) -> None:
        tgtadm.admit(self.tgtd, number, initiator)

    def admit_address(self, number: int, address: str) -> None:
        tgtadm.admit_address(self.tgtd, number, address)

    def remove_target(self, number: int) -> None:
        tgtadm.remove_target(self.tgtd, number)

    def devices(self, host: str) -> set[str]:
        """The volumes that a host has attached."""
        nodes = asyncio.run(held(self.daemons[host])).nodes
        return {name for name in nodes if name.startswith("vol-")}

    def detach(self, host: str, device: str) -> None:
        """By hand, as whoever runs the host could."""

        async def detached() -> None:
            agent = QemuAgent({"qmp": str(self.daemons[host].view)})
            await agent.detach(device)
            await agent.close()

        asyncio.run(detached())

    def attach(self, host: str, attachment: Attachment) -> None:
        """By hand."""

        async def attached() -> None:
            agent = QemuAgent({"qmp": str(self.daemons[host].view)})
            await agent.attach(attachment)
            await agent.close()

        asyncio.run(attached())

    def iops(self, host: str, device: str) -> object:
        """The total to which a host throttles a device."""

        async def asked() -> object:
            view = Qmp(self.daemons[host].view)
            limits = await view.ask("qom-get", path=f"/objects/{device}", property="limits")
            await view.close()
            assert isinstance(limits, dict)
            return limits["iops-total"]

        return asyncio.run(asked())

    def do(self, host: str, command: str, **arguments: object) -> None:
        """Tell a daemon something by hand."""

        async def told() -> None:
            view = Qmp(self.daemons[host].view)
            await view.ask(command, **{name.replace("_", "-"): value for name, value in arguments.items()})
            await view.close()

        asyncio.run(told())
