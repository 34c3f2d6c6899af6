"""What one volume takes from the pool it lies on and the host it is attached to."""

from __future__ import annotations

from dataclasses import replace

from allocator.domain.places import Host, Pool
from allocator.domain.qos import UNITS, Alternative, Kind, Unit
from allocator.domain.request import Request
from allocator.domain.sizes import ceil_times, round_up_to


def kept(alternative: Alternative, pool: Pool) -> Alternative:
    """The alternative as this pool keeps it.

    An array that always has QoS fills what was not asked with its default, so a missing floor is a floor
    all the same. CloudStack's allocator counts it as 0 and its SolidFire driver as 100: it over-guarantees.
    """
    if not pool.manifest.qos.always or alternative.by_hypervisor:
        return alternative
    kind = Kind.DEFAULT if alternative.kind is Kind.NONE else alternative.kind
    qos = alternative.qos.filled_from(pool.given_qos)
    if kind is alternative.kind and qos is alternative.qos:
        return alternative
    given = frozenset(unit for unit in UNITS if alternative.qos.bands(unit).floor() is None)
    return replace(alternative, kind=kind, qos=qos, given=given if kind is Kind.PROVISIONED else frozenset())


def made_bytes(request: Request, pool: Pool) -> int:
    """The size the driver makes: rounded up to the manifest's least size and step."""
    size = pool.manifest.size
    return round_up_to(max(request.size_bytes, size.least), size.step)


def charged_bytes(request: Request, pool: Pool) -> int:
    """The bytes charged: the size made plus the snapshot reserve, which does not enlarge the volume."""
    made = made_bytes(request, pool)
    return made + ceil_times(made, request.snapshot_reserve)


def taken(name: str, request: Request, alternative: Alternative, pool: Pool) -> int:
    """What the volume takes of one further dimension of its pool."""
    return request.resource(name)


def is_thick(request: Request, pool: Pool) -> bool:
    """Whether its bytes are set aside in full: asked for, or all that the driver can do."""
    if request.provisioning is None:
        return "thin" not in pool.manifest.provisioning
    return request.provisioning == "thick"


def pool_floor(alternative: Alternative, unit: Unit) -> int:
    """What the storage guarantees: IOPS, or bytes per second."""
    return (alternative.qos.bands(unit).floor() or 0) if alternative.by_storage else 0


def host_load(alternative: Alternative, unit: Unit, host: Host) -> int:
    """What a host must be able to carry: a floor that was asked for, or a throttled ceiling.

    Where both units are limited and the agent counts a large I/O by its size, IOPS x that size may be the
    tighter bandwidth. A bandwidth never tightens the IOPS, since small I/Os are cheap in bytes.
    """
    if alternative.kind is Kind.PROVISIONED:
        return 0 if unit in alternative.given else alternative.qos.bands(unit).floor() or 0
    if not alternative.by_hypervisor:
        return 0
    ceiling = alternative.qos.bands(unit).stated_ceiling()
    io_size_bytes = host.manifest.qos.io_size_bytes if host.manifest is not None else None
    iops = alternative.qos.iops.ceiling()
    if unit == "bandwidth" and ceiling and iops is not None and io_size_bytes is not None:
        return min(ceiling, iops * io_size_bytes)
    return ceiling
