"""Tenants and their quotas."""

from __future__ import annotations

from collections.abc import Collection
from typing import Self

from pydantic import model_validator

from allocator.documents.references import check
from allocator.documents.words import Count, Entry, Listed, Name, SizeHeld, Tag, refusal
from allocator.domain.places import Quota, Tenant


class QuotaEntry(Entry):
    """A share: of pools with a tag, of one offering, or of everything."""

    tag: Tag | None = None
    offering: Name | None = None
    capacity: SizeHeld | None = None
    iops: Count | None = None

    @model_validator(mode="after")
    def _limits_one_thing(self) -> Self:
        if self.tag is not None and self.offering is not None:
            raise refusal("A quota is by tag or by offering, not both.", "Maybe write two quotas.")
        if self.capacity is None and self.iops is None:
            raise refusal("The quota limits nothing.", "Maybe add `capacity: 1TiB`.")
        return self


class TenantEntry(Entry):
    """Whom volumes belong to."""

    name: Name
    quota: Listed[QuotaEntry] | None = None


def tenant(entry: TenantEntry, offerings: Collection[str]) -> Tenant:
    """Raises DocumentError for an offering that is not there."""
    quotas = entry.quota or []
    for position, quota in enumerate(quotas):
        path = ("tenants", entry.name, "quota", position, "offering")
        check([quota.offering] if quota.offering else None, offerings, "offering", path)
    return Tenant(entry.name, tuple(Quota(quota.tag, quota.offering, quota.capacity, quota.iops) for quota in quotas))
