"""The agent for QEMU: a granted volume becomes a throttled block node of a VM or a qemu-storage-daemon."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from allocator.agent import Attachment, Copying, DriverError, ErrorCode, ObservedDevice
from allocator.domain.qos import Qos
from drivers.hypervisor import qemu_copy
from drivers.hypervisor.qemu_limits import observed_limits, throttle_fields
from drivers.hypervisor.qemu_mirror import Mirror
from drivers.hypervisor.qemu_source import Source, image_prefix, parse, socket_path
from drivers.hypervisor.qemu_view import View
from drivers.hypervisor.qmp import Qmp, Refused, check_private

RELEASE_SECONDS: Final = 10
"""QEMU lets go of a block node some 0.1 s after its last user left; past this, something else holds it."""
_POLL_SECONDS: Final = 0.02
_MIRROR_POLL_SECONDS: Final = 0.2
_DEVICE: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
"""What QEMU takes as a node name: 31 characters, a letter first."""
_LOGIN_STATUS: Final = re.compile(r"Status: .*\(([0-9]{1,5})\)")
"""libiscsi's text of a failed login: status class x 256 + detail of RFC 7143, 11.13.5."""
_INITIATOR_ERROR: Final = 2


class QemuAgent:
    """One QEMU process, reached by a monitor that is this agent's alone.

    config: `qmp`, the path of the monitor's socket; `export: {nbd: PATH}`, optional, the socket on which each
    device is served by its name to whoever may enter the socket's directory. Both lie in directories of mode
    0700. Without `export` a VM gets each device as a SCSI disk with the device as its serial number, and a
    qemu-storage-daemon keeps it as a block node. An unmanaged volume is attached the same way: its granted
    string names it alone.
    """

    def __init__(self, config: Mapping[str, object]) -> None:
        unknown = sorted(config.keys() - {"qmp", "export"})
        if unknown:
            raise _invalid(f"the qemu agent has no setting {', '.join(unknown)}", "leave it out")
        self._qmp = Qmp(Path(socket_path(config.get("qmp"))))
        self._view = View(self._qmp)
        self._export: Path | None = None
        if (export := config.get("export")) is not None:
            if not isinstance(export, Mapping) or export.keys() != {"nbd"}:
                raise _invalid("the qemu agent's export is not {nbd: PATH}", "give a socket's path")
            self._export = Path(socket_path(export["nbd"]))
        self._turn = asyncio.Lock()

    async def attach(self, attachment: Attachment) -> str:
        """Attach, throttled; the URI of its export, else the name of its node, and in a VM of its disk.

        The same attachment again only renews the limits. Raises DriverError: CONFLICT where the device has
        another source, DENIED where the storage refuses this host, UNAVAILABLE where it cannot be reached,
        UNSUPPORTED or INVALID for what QEMU cannot do. Where QEMU says no, nothing new is left behind.
        """
        device = attachment.device
        _check_device(device)
        source = parse(attachment.access, attachment.initiator, _secret(device))
        fields = throttle_fields(attachment.throttle)
        if self._export is not None:
            check_private(self._export)
        async with self._turn:
            nodes = await self._view.nodes()
            if device in nodes and source.node_name(device) not in nodes:
                raise DriverError(
                    ErrorCode.CONFLICT, f"{device} is attached from another source. Maybe detach it first."
                )
            try:
                await self._limit(device, fields)
                if device not in nodes:
                    await self._open(attachment.access.uri, source, device)
                await self._forget(_secret(device), "secret")
                return await self._offer(device)
            except Refused:
                if device not in nodes:
                    await self._remove(device)
                raise

    async def throttle(self, device: str, limits: Qos) -> None:
        """Replace the limits of an attached device while it is in use; empty limits lift them.

        Raises DriverError NOT_FOUND where it is not attached, UNSUPPORTED or INVALID for limits QEMU has not.
        """
        fields = throttle_fields(limits)
        _check_device(device)
        async with self._turn:
            if (await self._view.nodes()).get(device) != "throttle":
                raise DriverError(ErrorCode.NOT_FOUND, f"{device} is not attached. Maybe attach it first.")
            await self._limit(device, fields)

    async def detach(self, device: str) -> None:
        """Take the device from its users and remove all that `attach` made; nothing there is success."""
        _check_device(device)
        async with self._turn:
            await self._remove(device)

    async def copy(self, copying: Copying) -> None:
        """Copy a volume that nobody uses. Raises DriverError UNAVAILABLE where QEMU cannot read or write it."""
        await qemu_copy.copy(copying)

    async def compare(self, copying: Copying) -> None:
        """Raises DriverError CONFLICT where the volumes, which nobody uses, differ."""
        await qemu_copy.compare(copying)

    async def mirror(self, copying: Copying) -> None:
        """Copy a device's volume while it is in use, until both are equal and stay so.

        Raises DriverError NOT_FOUND or CONFLICT for a device that is not attached from the source, UNAVAILABLE where
        the copy fails: the device then goes on with its source.
        """
        async with self._turn:
            await self._mirror(copying).begin()
        while True:
            async with self._turn:
                if await self._mirror(copying).is_ready():
                    return
            await asyncio.sleep(_MIRROR_POLL_SECONDS)

    async def pivot(self, copying: Copying) -> None:
        """Let the device use the target from now on. Raises DriverError CONFLICT where no mirror of it is ready."""
        async with self._turn:
            await self._mirror(copying).complete()

    async def drop(self, copying: Copying) -> None:
        """Give up a mirror, and close its target. Raises DriverError CONFLICT where the device uses that already."""
        async with self._turn:
            await self._mirror(copying).give_up()

    def _mirror(self, copying: Copying) -> Mirror:
        _check_device(copying.device)
        return Mirror(self._qmp, copying, _secret(copying.device))

    async def list_devices(self) -> AsyncIterator[ObservedDevice]:
        """Each throttle group, which `attach` makes first and `detach` removes last: what is not listed is
        wholly gone, and what a call that was cut short left behind is listed.
        """
        async with self._turn:
            found = [ObservedDevice(device, await self._limits(device)) for device in await self._devices()]
        for observed in found:
            yield observed

    async def close(self) -> None:
        async with self._turn:
            await self._qmp.close()

    async def _devices(self) -> list[str]:
        objects = await self._view.objects()
        groups = (name for name, kind in objects.items() if kind == "child<throttle-group>")
        return sorted(name for name in groups if _DEVICE.fullmatch(name))

    async def _limits(self, device: str) -> Qos:
        return observed_limits(await self._qmp.ask("qom-get", path=_object(device), property="limits"))

    async def _limit(self, device: str, fields: Mapping[str, int]) -> None:
        command, arguments = "object-add", {"qom-type": "throttle-group", "id": device, "limits": fields}
        if device in await self._view.objects():
            command, arguments = "qom-set", {"path": _object(device), "property": "limits", "value": fields}
        await self._qmp.act(command, arguments, ErrorCode.INVALID, "Maybe ask for other limits.")

    async def _open(self, uri: str, source: Source, device: str) -> None:
        await self._forget(_secret(device), "secret")
        if source.secret is not None:
            secret = {"qom-type": "secret", "id": _secret(device), "data": source.secret}
            await self._qmp.act("object-add", secret, ErrorCode.INVALID, "Maybe the CHAP secret is not text.")
        file = {**source.options, "node-name": source.node_name(device)}
        volume = {"driver": "raw", "node-name": source.image_name(device), "file": file}
        throttled = {"driver": "throttle", "node-name": device, "throttle-group": device, "file": volume}
        try:
            await self._qmp.act("blockdev-add", {**throttled, "discard": "unmap"}, ErrorCode.UNAVAILABLE, "")
        except Refused as refusal:
            raise _no_access(device, uri, refusal.reason) from refusal

    async def _offer(self, device: str) -> str:
        if self._export is not None:
            await self._serve(self._export, device)
            return f"nbd+unix:///{device}?socket={quote(str(self._export))}"
        if await self._qmp.offers("device_add") and device not in await self._view.below("/machine/peripheral"):
            disk = {"driver": "scsi-hd", "id": device, "drive": device, "serial": device}
            maybe = "Maybe the VM was started without -device virtio-scsi-pci."
            await self._qmp.act("device_add", disk, ErrorCode.BUSY, maybe)
        return device

    async def _serve(self, socket: Path, device: str) -> None:
        if (await self._view.exports()).get(device) is False:
            return
        address = {"type": "unix", "data": {"path": str(socket)}}
        maybe = "Maybe QEMU serves NBD on another socket already."
        try:
            await self._qmp.act("nbd-server-start", {"addr": address}, ErrorCode.INVALID, maybe)
        except Refused:
            if not os.path.exists(socket):
                raise
        export = {"type": "nbd", "id": device, "node-name": device, "name": device, "writable": True}
        await self._qmp.act("block-export-add", export, ErrorCode.BUSY, "Maybe its last export still ends.")

    async def _remove(self, device: str) -> None:
        nodes = await self._view.nodes()
        if await self._qmp.offers("device_add") and device in await self._view.below("/machine/peripheral"):
            await self._qmp.act("device_del", {"id": device}, ErrorCode.BUSY, "Maybe it is migrating.")
        if (await self._view.exports()).get(device) is False:
            export = {"id": device, "mode": "hard"}
            await self._qmp.act("block-export-del", export, ErrorCode.BUSY, "Maybe it ends already.")
        if nodes.get(device) == "throttle":
            await self._delete_node(device)
        for name in await self._view.nodes():
            # A volume that the device was moved to stays open until it is closed by name.
            if name.startswith(image_prefix(device)):
                await self._delete_node(name)
        await self._forget(_secret(device), "secret")
        await self._forget(device, "throttle-group")

    async def _delete_node(self, device: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RELEASE_SECONDS
        node, maybe = {"node-name": device}, "Maybe a job or another export uses it."
        while True:
            try:
                return await self._qmp.act("blockdev-del", node, ErrorCode.IN_USE, maybe)
            except Refused:
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    async def _forget(self, name: str, kind: str) -> None:
        if (await self._view.objects()).get(name) == f"child<{kind}>":
            await self._qmp.act("object-del", {"id": name}, ErrorCode.IN_USE, "Maybe another node uses it.")


def _check_device(device: str) -> None:
    if _DEVICE.fullmatch(device) is None:
        raise _invalid(f"{device[:80]!r} is no QEMU node name", "use 31 of a-z, 0-9 and - at most, a letter first")


def _secret(device: str) -> str:
    return f"{device}-chap"


def _object(device: str) -> str:
    return f"/objects/{device}"


def _no_access(device: str, uri: str, reason: str) -> Refused:
    status = _LOGIN_STATUS.search(reason)
    if status is not None and int(status[1]) >> 8 == _INITIATOR_ERROR:
        code, maybe = ErrorCode.DENIED, "Maybe this host was not granted access, or has another CHAP secret."
    else:
        code, maybe = ErrorCode.UNAVAILABLE, "Maybe the storage is down or out of this host's reach."
    return Refused(code, f"{device}: QEMU cannot open {uri}: {reason}. {maybe}", reason)


def _invalid(text: str, remedy: str) -> DriverError:
    return DriverError(ErrorCode.INVALID, f"{text}. Maybe {remedy}.")
