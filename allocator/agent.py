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

__all__ = ["Access", "Attachment", "DriverError", "ErrorCode", "HypervisorAgent", "ObservedDevice"]


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
