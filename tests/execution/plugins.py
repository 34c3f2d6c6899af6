"""Plug-ins on plain files, that fail where a test wants them to.

Every volume is a file, every grant a file beside it, every attached device a file of its host: what is really
there can be looked up after any crash. Each call is appended to a log.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allocator.agent import Attachment, ObservedDevice
from allocator.domain.qos import Band, Bands, Qos
from allocator.driver import (
    Access,
    Client,
    DriverError,
    ErrorCode,
    Handle,
    ObservedVolume,
    PoolConfig,
    PoolStats,
    VolumeWish,
)


@dataclass
class Fault:
    """Make calls of one kind fail `times` times: before the work, or after it was done (`late`)."""

    call: str
    error: Exception
    late: bool = False
    times: int = 1
    pool: str | None = None
    host: str | None = None


@dataclass
class Faults:
    """The faults still to come, and what happens around each call besides."""

    coming: list[Fault] = field(default_factory=list)
    around: Callable[[str], None] = lambda _: None

    def strike(self, call: str, *, late: bool, pool: str | None = None, host: str | None = None) -> None:
        self.around(f"{'after' if late else 'before'} {call}")
        for fault in self.coming:
            fits = fault.pool in (None, pool) and fault.host in (None, host)
            if (fault.call, fault.late) == (call, late) and fits and fault.times > 0:
                fault.times -= 1
                raise fault.error


class FileDriver:
    """Volumes as files below `root`."""

    def __init__(self, config: Mapping[str, Any], pools: Sequence[PoolConfig]) -> None:
        self.root, self.faults = Path(config["root"]), config["faults"]
        for pool in pools:
            (self.root / pool.name).mkdir(parents=True, exist_ok=True)

    async def pool_stats(self, pool: str) -> PoolStats:
        self.faults.strike("stats", late=False, pool=pool)
        used = sum(volume.size_bytes for volume in self._all(pool))
        return PoolStats(10**9, used, Qos(iops=Bands(Band(floor=50))))

    async def create_async(self, wish: VolumeWish) -> Handle:
        async with self._called("create", wish.volume_id, wish.pool):
            path = self.root / wish.pool / wish.volume_id
            text = json.dumps([wish.size_bytes, wish.thick, asdict(wish.qos), dict(wish.details)])
            try:
                with path.open("x") as file:
                    file.write(text)
            except FileExistsError:
                if path.read_text() != text:
                    raise DriverError(ErrorCode.CONFLICT, f"{wish.volume_id} is another volume.") from None
        return Handle(wish.volume_id, wish.pool, str(path))

    async def delete_async(self, handle: Handle) -> None:
        async with self._called("delete", handle.volume_id, handle.pool):
            if self._granted(handle):
                raise DriverError(ErrorCode.IN_USE, f"{handle.volume_id} is granted.")
            (self.root / handle.pool / handle.volume_id).unlink(missing_ok=True)

    async def grant_access(self, handle: Handle, client: Client) -> Access:
        async with self._called("grant", handle.volume_id, handle.pool, client.host):
            if not (self.root / handle.pool / handle.volume_id).exists():
                raise DriverError(ErrorCode.NOT_FOUND, f"{handle.volume_id} is not there.")
            granted = self.root / handle.pool / f"{handle.volume_id}@{client.host}"
            granted.write_text(str(client.endpoint.iqn))
        secrets = {} if client.chap_secret is None else {"chap": client.chap_secret}
        return Access(f"iscsi://10.0.0.1/{handle.volume_id}/0", secrets)

    async def revoke_access(self, handle: Handle, client: Client) -> None:
        async with self._called("revoke", handle.volume_id, handle.pool, client.host):
            granted = self.root / handle.pool / f"{handle.volume_id}@{client.host}"
            if granted.exists() and granted.read_text() == str(client.endpoint.iqn):
                granted.unlink()

    async def inspect(self, pool: str, volume_id: str) -> ObservedVolume | None:
        async with self._called("inspect", volume_id, pool):
            return next((seen for seen in self._all(pool) if seen.handle.volume_id == volume_id), None)

    async def list_volumes(self, pool: str) -> AsyncIterator[ObservedVolume]:
        self.faults.strike("list", late=False, pool=pool)
        for seen in self._all(pool):
            yield seen

    async def restore(self, wishes: Sequence[tuple[VolumeWish, Sequence[Client]]]) -> int:
        return 0

    async def close(self) -> None:
        log(self.root, "close")

    def _all(self, pool: str) -> Iterable[ObservedVolume]:
        for path in sorted((self.root / pool).iterdir()):
            if "@" in path.name:
                continue
            size_bytes, _, qos, _ = json.loads(path.read_text())
            handle = Handle(path.name, pool, str(path))
            bands = Bands(**{side: Band(**band) for side, band in qos["iops"].items()})
            ours = path.name.startswith("vol-")
            yield ObservedVolume(handle, size_bytes, 0, Qos(iops=bands), self._granted(handle), 0, ours)

    def _granted(self, handle: Handle) -> tuple[str, ...]:
        links = (self.root / handle.pool).glob(f"{handle.volume_id}@*")
        return tuple(sorted(path.name.partition("@")[2] for path in links))

    def _called(self, call: str, volume_id: str, pool: str, host: str | None = None) -> _Called:
        return _Called(self.root, self.faults, call, volume_id, pool, host)


class FileAgent:
    """Devices as files below `root`."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.root, self.faults, self.host = Path(config["root"]), config["faults"], config["host"]
        self.devices = self.root / self.host
        self.devices.mkdir(parents=True, exist_ok=True)

    async def attach(self, attachment: Attachment) -> str:
        async with self._called("attach", attachment.device):
            told = {
                "uri": attachment.access.uri,
                "secrets": dict(attachment.access.secrets),
                "managed": attachment.managed,
                "initiator": attachment.initiator,
                "ceiling": attachment.throttle.iops.total.ceiling,
            }
            (self.devices / attachment.device).write_text(json.dumps(told))
        return f"/dev/{attachment.device}"

    async def throttle(self, device: str, limits: Qos) -> None:
        log(self.root, f"throttle {device}")

    async def detach(self, device: str) -> None:
        async with self._called("detach", device):
            (self.devices / device).unlink(missing_ok=True)

    async def list_devices(self) -> AsyncIterator[ObservedDevice]:
        async with self._called("devices", ""):
            found = sorted(path.name for path in self.devices.iterdir())
        for name in found:
            yield ObservedDevice(name, Qos())

    async def close(self) -> None:
        log(self.root, "close")

    def _called(self, call: str, device: str) -> _Called:
        return _Called(self.root, self.faults, call, device, None, self.host)


class _Called:
    """One call: logged, and struck by faults before and after."""

    def __init__(self, root: Path, faults: Faults, call: str, subject: str, pool: str | None, host: str | None) -> None:
        self.root, self.faults, self.call, self.subject = root, faults, call, subject
        self.where = {"pool": pool, "host": host}

    async def __aenter__(self) -> None:
        log(self.root, f"{self.call} {self.subject}")
        await asyncio.sleep(0)
        self.faults.strike(self.call, late=False, **self.where)

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.faults.strike(self.call, late=True, **self.where)


def log(root: Path, line: str) -> None:
    with (root / "calls").open("a") as file:
        file.write(line + "\n")


def calls(root: Path, kind: str = "") -> list[str]:
    """The calls made so far, of one kind or of all, without their subjects."""
    lines = (root / "calls").read_text().splitlines() if (root / "calls").exists() else []
    return [line.split()[0] for line in lines if line.split()[0] == (kind or line.split()[0])]


def there(root: Path) -> list[str]:
    """Every volume, grant and device that is really there: `p1/vol-...`, `p1/vol-...@h1`, `h1/vol-...`."""
    return sorted(f"{path.parent.name}/{path.name}" for path in root.glob("*/*"))
