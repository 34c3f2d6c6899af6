"""The protocol through which storage is touched, its values and its error codes.

A driver keeps no truth of its own: it observes the device. Its promises, on which the engine relies:

1. `volume_id` is the idempotency key. The same id and the same wish give the same handle; another wish is CONFLICT.
2. `grant_access` is idempotent, returns the same URI, and publishes last: nothing is reachable before it.
3. `revoke_access` ends live sessions or raises IN_USE or UNSUPPORTED; it never silently leaves access.
4. To delete or revoke what is absent is success.
5. Every call may be repeated after a crash.
6. Where a call may have had its effect and the answer was lost, UNKNOWN_OUTCOME: the engine then asks `inspect`.
7. Secrets travel in `Access.secrets` and nowhere else.
8. `list_volumes` marks what the engine made as `ours`; what it did not make is counted and never touched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from allocator.domain.places import Endpoint
from allocator.domain.qos import Qos
from allocator.domain.request import Scalar


class ErrorCode(StrEnum):
    """What went wrong, and so what may be done about it."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    NO_SPACE = "no_space"
    OUT_OF_RANGE = "out_of_range"
    IN_USE = "in_use"
    BUSY = "busy"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown_outcome"

    @property
    def retryable(self) -> bool:
        """True where the same call may succeed later."""
        return self in (ErrorCode.BUSY, ErrorCode.IN_USE, ErrorCode.UNAVAILABLE)


class DriverError(Exception):
    """A driver's or an agent's refusal. The text names the thing, the value and the limit, never a secret."""

    def __init__(self, code: ErrorCode, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class VolumeWish:
    """What `create_async` is to make. `pool_config` holds the pool's own details (a path, a storage account)."""

    volume_id: str
    pool: str
    size_bytes: int
    thick: bool = False
    qos: Qos = Qos()
    """Only what the storage is to enforce; empty where the hypervisor throttles."""
    details: Mapping[str, Scalar] = field(default_factory=dict)
    """The vendor keys meant for this driver (R14)."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A volume that exists: the driver's own identifier beside ours (R18)."""

    volume_id: str
    pool: str
    native_id: str


@dataclass(frozen=True, slots=True)
class Client:
    """Who is granted access: a host, by the identity its endpoint gives (R19).

    `chap_user` and `chap_secret` are set where the endpoint carries a secret; the secret hides in repr.
    """

    host: str
    endpoint: Endpoint
    chap_user: str | None = None
    chap_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """How a granted client reaches a volume: `iscsi://portal/iqn/lun`, `file:///path`, `nbd+unix:///...`."""

    uri: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ObservedVolume:
    """A volume as the device shows it."""

    handle: Handle
    size_bytes: int
    used_bytes: int | None
    qos: Qos
    granted: tuple[str, ...]
    """Who has access, each by one name of the `Client` that was granted: host, initiator name or address."""
    sessions: int
    ours: bool


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool as the device shows it; None where the device cannot tell."""

    total_bytes: int | None
    used_bytes: int | None
    default_qos: Qos = Qos()


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """A pool as its driver needs to know it: its name, its host if it is local to one, its vendor details."""

    name: str
    host: str | None = None
    details: Mapping[str, Scalar] = field(default_factory=dict)


@runtime_checkable
class StorageDriver(Protocol):
    """A storage plug-in. It is constructed with `config` (secrets resolved) and the pools it serves.

    It imports `allocator.domain` and this module only, and contains no hypervisor code (R21). Every method
    raises DriverError and nothing else for what the device refuses.
    """

    def __init__(self, config: Mapping[str, object], pools: Sequence[PoolConfig]) -> None: ...

    async def pool_stats(self, pool: str) -> PoolStats: ...

    async def create_async(self, wish: VolumeWish) -> Handle: ...

    async def delete_async(self, handle: Handle) -> None: ...

    async def grant_access(self, handle: Handle, client: Client) -> Access: ...

    async def revoke_access(self, handle: Handle, client: Client) -> None: ...

    async def inspect(self, pool: str, volume_id: str) -> ObservedVolume | None: ...

    def list_volumes(self, pool: str) -> AsyncIterator[ObservedVolume]: ...

    async def restore(self, wishes: Sequence[tuple[VolumeWish, Sequence[Client]]]) -> int:
        """Make known volumes reachable again after the device forgot them; the number mended."""
        ...

    async def close(self) -> None: ...
