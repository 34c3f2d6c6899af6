"""Rule `dedicated`: what is set aside for somebody is shared with nobody else."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import Charge, Touched, Volume, one_each
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Request
from allocator.limits import UNLIMITED, Limit, LimitRule
from allocator.rule import Violation, checked, subject_volume

if TYPE_CHECKING:
    from allocator.solver.model import Model


class Dedicated(LimitRule):
    """Rule: a LUN of one's own is shared with nobody, a place set aside for tenants takes only theirs, and only a
    driver that can attach a volume to several hosts does.

    Formula: on an unmanaged pool, volumes <= 1 where a dedicated one lies; volumes of strangers <= 0 on a pool or host
    with tenants; hosts of a volume <= 1 unless the manifest says `multi_attach`.

    Why: a managed pool makes one LUN per volume anyway; an unmanaged one is a single LUN that volumes share (R16).
    """

    name = "dedicated"
    reads = "wishes"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        own = Charge("dedicated volumes", "pool", _asks_own_lun, sees=_sees_managed)
        own_lun = Limit(
            "own-lun", "volumes", Charge("volumes", "pool", one_each), _one_lun, where=own,
            closed="share one LUN, which a volume wants for itself",
        )  # fmt: skip
        set_aside = (
            Limit(f"{over}-tenants", "volumes of others", Charge("strangers", over, _stranger, sees=_sees_tenants), 0,
                  closed="are set aside for other tenants")
            for over in ("pool", "host")
        )  # fmt: skip
        self._limits = (own_lun, *set_aside)

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        return self._limits

    def encode(self, model: Model) -> None:
        super().encode(model)
        model.forbid(_on_several_hosts, _attaches_to_one)

    def further(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        for volume in checked(inventory, touched):
            pool = inventory.pools[volume.pool]
            if len(volume.hosts) > 1 and not pool.manifest.multi_attach:
                subject = subject_volume(volume.name, f"pool {pool.name}")
                yield Violation(self.name, subject, len(volume.hosts) - 1, volume.hosts)

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        return all(len(volume.hosts) < 2 for volume in arrivals)

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        if violation.subject[0] != "volume":
            return super().reason(violation, inventory)
        _, volume, place = violation.subject
        text = f"{volume}: {place} attaches a volume to one host, not {violation.amount + 1}"
        return Reason(self.name, volume, {"hosts": violation.amount + 1, "limit": 1}, text)


def _asks_own_lun(request: Request, alternative: Alternative, pool: Pool) -> int:
    return int(request.dedicated and not pool.managed)


def _one_lun(pool: Pool) -> int:
    return UNLIMITED if pool.managed else 1


def _sees_managed(pool: Pool) -> Hashable:
    return pool.managed


def _stranger(request: Request, alternative: Alternative, place: Pool | Host) -> int:
    return int(bool(place.tenants) and request.tenant not in place.tenants)


def _sees_tenants(place: Pool | Host) -> Hashable:
    return place.tenants


def _on_several_hosts(volume: Volume) -> bool:
    return len(volume.hosts) > 1


def _attaches_to_one(pool: Pool) -> bool:
    return not pool.manifest.multi_attach
