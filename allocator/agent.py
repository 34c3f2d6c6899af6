"""The protocol through which a hypervisor attaches, throttles and detaches volumes.

Agents hold no storage-product code (R21): they get the granted string and make of it what their hypervisor
needs. Every call may be repeated after a crash; `device` is the idempotency key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from allocator.domain.qos import Qos
from allocator.driver import Access, DriverError, ErrorCode

__all__ = [
    "Access",
    "Attachment",
    "Copying",
    "CopyingAgent",
    "DriverError",
    "ErrorCode",
    "HypervisorAgent",
    "ObservedDevice",
    "Side",
]


@dataclass(frozen=True, slots=True)
class Attachment:
    """A volume to attach. `throttle` is empty unless the hypervisor is who enforces its QoS."""

    device: str
    access: Access
    managed: bool
    initiator: str | None = None
    """The name by which the storage knows this host, where the protocol has one."""
    throttle: Qos = Qos()


@dataclass(frozen=True, slots=True)
class ObservedDevice:
    """A device as the hypervisor shows it."""

    device: str
    throttle: Qos


@dataclass(frozen=True, slots=True)
class Side:
    """One end of a copy, granted to this host; `initiator` is the name by which that storage knows the host."""

    access: Access
    initiator: str | None = None


@dataclass(frozen=True, slots=True)
class Copying:
    """A volume to be copied. `device` is the one it is attached as, or would be; nobody uses the target yet."""

    device: str
    source: Side
    target: Side
    size_bytes: int
    """Of the source. The target has as many bytes or more."""


@runtime_checkable
class HypervisorAgent(Protocol):
    """A hypervisor plug-in, constructed with `config`. It imports `allocator.domain` and this module only.

    Every method raises DriverError and nothing else for what the hypervisor refuses.
    """

    def __init__(self, config: Mapping[str, object]) -> None: ...

    async def attach(self, attachment: Attachment) -> str:
        """Attach, throttled; the hypervisor's own name of the device. The same attachment twice is one device."""
        ...

    async def throttle(self, device: str, limits: Qos) -> None:
        """Replace the limits of an attached device while it is in use; empty limits lift them."""
        ...

    async def detach(self, device: str) -> None:
        """Detach; to detach what is absent is success."""
        ...

    def list_devices(self) -> AsyncIterator[ObservedDevice]: ...

    async def close(self) -> None: ...


@runtime_checkable
class CopyingAgent(HypervisorAgent, Protocol):
    """An agent that can also copy volumes, in use or not. Each call may take as long as copying takes.

    A call that was cut short is repeated with the same `copying`, by whoever goes on.
    """

    async def copy(self, copying: Copying) -> None:
        """Copy a volume that nobody uses, all of it."""
        ...

    async def compare(self, copying: Copying) -> None:
        """Read both volumes, which nobody uses. Raises DriverError CONFLICT where they differ."""
        ...

    async def mirror(self, copying: Copying) -> None:
        """Copy a volume while its device is in use, and return once source and target are equal and stay so."""
        ...

    async def pivot(self, copying: Copying) -> None:
        """Let the device use the target from now on, without its user noticing, and close the source.

        Raises DriverError CONFLICT where no mirror of it is running. To pivot what has pivoted is success.
        """
        ...

    async def drop(self, copying: Copying) -> None:
        """Give up a mirror: the device goes on with the source, and the target is closed. Nothing there is success.

        Raises DriverError CONFLICT where the device uses the target already.
        """
        ...
