"""Rule `quota`: a tenant stays within its share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial

from allocator.domain.charging import charged_bytes, pool_floor
from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Charge
from allocator.domain.places import Pool, Quota
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative
from allocator.domain.request import Mark, Request
from allocator.domain.sizes import format_bytes
from allocator.limits import Limit, LimitRule


class QuotaRule(LimitRule):
    """Rule: what a tenant holds of a tag, of an offering or of everything stays within its quota.

    Formula: for each quota of the tenant, sum(bytes charged) <= capacity and sum(floors) <= iops, over its volumes on
    pools with the tag, or of the offering, or (neither named) all.

    Why: a shared fleet stays shared. While a volume moves it counts once, since it is the tenant's once.
    """

    name = "quota"
    reads = "wishes"
    local = False

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._made: dict[tuple[str, Quota], tuple[Limit, ...]] = {}

    def limits(self, request: Request, inventory: Inventory) -> Iterable[Limit]:
        tenant = inventory.tenants.get(request.tenant) if request.tenant is not None else None
        if tenant is None:
            return ()
        return [limit for quota in tenant.quota for limit in self._of(tenant.name, quota)]

    def _of(self, tenant: str, quota: Quota) -> tuple[Limit, ...]:
        key = (tenant, quota)
        if key not in self._made:
            self._made[key] = tuple(_limits(tenant, quota))
        return self._made[key]


def _limits(tenant: str, quota: Quota) -> Iterable[Limit]:
    narrowed = (("tag", quota.tag), ("offering", quota.offering))
    scope = " and ".join(f"{what} {name}" for what, name in narrowed if name is not None) or "everything"
    mine = partial(_of_offering, quota.offering)
    mark: Mark = ("tenant", tenant)
    if quota.capacity_bytes is not None:
        taken = Charge("bytes", ALL, partial(_bytes, quota.tag), sees=_sees, mark=mark, members=mine)
        what = f"of {tenant}'s quota for {scope}"
        key = f"{tenant}-{scope}-capacity-{quota.capacity_bytes}"
        yield Limit(key, what, taken, quota.capacity_bytes, show=format_bytes)
    if quota.iops is not None:
        taken = Charge(
            "guaranteed IOPS", ALL, partial(_iops, quota.tag), sees=_sees, members=mine, mark=("tenant", tenant)
        )
        what = f"guaranteed IOPS of {tenant}'s quota for {scope}"
        yield Limit(f"{tenant}-{scope}-iops-{quota.iops}", what, taken, quota.iops)


def _of_offering(offering: str | None, request: Request) -> bool:
    return offering in (None, request.offering)


def _bytes(tag: str | None, request: Request, alternative: Alternative, pool: Pool) -> int:
    return charged_bytes(request, pool) if tag is None or tag in pool.tags else 0


def _iops(tag: str | None, request: Request, alternative: Alternative, pool: Pool) -> int:
    return pool_floor(alternative, "iops") if tag is None or tag in pool.tags else 0


def _sees(pool: Pool) -> Hashable:
    return pool.manifest, pool.tags
