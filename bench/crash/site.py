"""A real tgtd and two real QEMUs, and what is on them as others see it: tgtadm, the disk, and QEMU's monitor."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from allocator import Allocator
from allocator.demo.probes import opens_iscsi
from allocator.demo.servers import Tgtd, agent_config, missing, storage_daemon, tgtd
from allocator.ledger import Ledger, StoredVolume
from bench.postgres import Postgres
from drivers.hypervisor.qemu import QemuAgent

HOSTS: Final = ("h1", "h2")
POOLS: Final = ("san-1", "san-2", "san-3")
NAMES: Final = {host: f"iqn.2026-01.org.allocator.bench:{host}" for host in HOSTS}
_TARGET: Final = re.compile(r"^Target \d+: (\S+)", re.MULTILINE)
_VOLUME: Final = re.compile(r"vol-[0-9a-f]{16}")


def lacking() -> list[str]:
    """The Debian packages that are not installed."""
    packages = missing("tgtd", "tgtadm", "qemu-storage-daemon", "qemu-img", "setpriv")
    return packages or ([] if opens_iscsi() else ["qemu-block-extra"])


@dataclass(frozen=True, slots=True)
class There:
    """What is on the servers, or is to be there: by volume id."""

    luns: frozenset[tuple[str, str]]
    """(pool, id) of each file, and ("target", id) of each target."""
    admitted: frozenset[tuple[str, str]]
    """(id, initiator)."""
    accounts: frozenset[str]
    devices: frozenset[tuple[str, str]]
    """(host, id)."""


class Site:
    """Servers, three pools on them, two hosts, and an empty ledger to copy."""

    def __init__(
        self, directory: Path, target: Tgtd, monitors: dict[str, Path], postgres: Postgres | None = None
    ) -> None:
        self.directory = directory
        self._target = target
        self._monitors = monitors
        self._postgres = postgres
        self._chap = directory / "chap"
        self._chap.touch(0o600)
        self._chap.write_text(secrets.token_hex(16))
        self._empty = directory / "empty.db"
        Ledger.open(f"sqlite:///{self._empty}").close()
        fleet = directory / "fleet.yaml"
        fleet.write_text(yaml.safe_dump(self._documents()))
        self._read = Allocator.open(fleet)

    def new_ledger(self, name: str) -> str:
        """The URL of another ledger, with nothing in it: a file, or a schema of the PostgreSQL server."""
        if self._postgres is not None:
            return self._postgres.empty()
        path = self.directory / f"{name}.db"
        shutil.copyfile(self._empty, path)
        path.chmod(0o600)
        return f"sqlite:///{path}"

    def open(self, url: str) -> Allocator:
        """An engine on the fleet, whose documents are read once, and a ledger."""
        return Allocator(self._read.world, self._read.policy, Ledger.open(url))

    def there(self) -> There:
        """As other programs than the engine see it, but for QEMU's devices."""
        shown = self._target.targets()
        parts = _TARGET.split(shown)[1:]
        luns, admitted = set[tuple[str, str]](), set[tuple[str, str]]()
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            volume = name.rpartition(":")[2]
            luns.add(("target", volume))
            admitted |= {(volume, line.strip()) for line in text.partition("ACL information:")[2].splitlines() if line}
        files = [path for pool in POOLS for path in (self.directory / pool).rglob("*") if path.is_file()]
        luns |= {(path.relative_to(self.directory).parts[0], path.name) for path in files}
        return There(
            frozenset(luns),
            frozenset((volume, name) for volume, name in admitted if name),
            frozenset(line.split()[0] for line in self._accounts().splitlines() if _VOLUME.search(line)),
            frozenset(asyncio.run(self._devices())),
        )

    def recorded(self, url: str) -> There:
        """As the ledger has it."""
        with closing(Ledger.open(url)) as ledger:
            volumes = ledger.volumes()
        luns = {(volume.pool, volume.volume_id) for volume in volumes} | {("target", v.volume_id) for v in volumes}
        granted = [(volume.volume_id, granted) for volume in volumes for granted in volume.access]
        return There(
            frozenset(luns),
            frozenset((volume_id, str(each.iqn)) for volume_id, each in granted),
            frozenset(f"{each.chap_user}.{volume_id}" for volume_id, each in granted if each.chap_user),
            frozenset((each.host, volume.device) for volume in volumes for each in volume.attachments),
        )

    def file(self, volume: StoredVolume) -> Path:
        """Where a volume's bytes are."""
        return self.directory / volume.pool / "volumes" / volume.volume_id

    def _accounts(self) -> str:
        command = ["tgtadm", "-C", "5", "--lld", "iscsi", "--mode", "account", "--op", "show"]
        environment = {
            "TGT_IPC_SOCKET": str(self._target.control.with_suffix("")),
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=True).stdout

    async def _devices(self) -> list[tuple[str, str]]:
        found = []
        for host, monitor in self._monitors.items():
            agent = QemuAgent(agent_config(monitor))
            try:
                found += [(host, seen.device) async for seen in agent.list_devices()]
            finally:
                await agent.close()
        return found

    def _documents(self) -> dict[str, Any]:
        return {
            "version": 1,
            "drivers": {
                "san": {
                    "driver": "tgt",
                    "config": {"control": str(self._target.control), "portal": self._target.portal},
                }
            },
            "agents": {
                host: {"agent": "qemu", "config": agent_config(monitor)} for host, monitor in self._monitors.items()
            },
            "pools": [
                {
                    "name": pool,
                    "driver": "san",
                    "zone": "z1",
                    "capacity": "1GiB",
                    "details": {"path": str(self.directory / pool)},
                }
                for pool in POOLS
            ],
            "hosts": [
                {"name": host, "zone": "z1", "agent": host, "iops": 100_000, "endpoints": [self._endpoint(host)]}
                for host in HOSTS
            ],
            "offerings": [{"name": "silver", "qos": {"throttled": {"total_iops": 800}}}],
        }

    def _endpoint(self, host: str) -> dict[str, Any]:
        """The first host has to prove its name, the second only says it."""
        chap = {"chap": {"user": host, "secret": {"file": str(self._chap)}}} if host == HOSTS[0] else {}
        return {"iqn": NAMES[host], **chap}


@contextmanager
def site(directory: Path, postgres: Postgres | None = None) -> Iterator[Site]:
    """Servers that end with the block. Raises DemoError where they do not start."""
    with ExitStack() as running:
        for name in POOLS:
            (directory / name).mkdir(mode=0o700)
        monitors = {}
        for host in HOSTS:
            (directory / host).mkdir(mode=0o700)
            monitors[host] = running.enter_context(storage_daemon(directory / host))
        yield Site(directory, running.enter_context(tgtd(directory)), monitors, postgres)
