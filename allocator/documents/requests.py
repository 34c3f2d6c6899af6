"""Requests as they are written, and the VMs they belong to."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from allocator.documents.offerings import Wishes
from allocator.documents.words import Entry, Listed, Name, Positive, SizeAsked, SizeUsed, Tag, refusal

Priority = Annotated[int, Field(ge=0, le=1000)]
Demands = dict[Name, SizeUsed]
"""Of further dimensions: whole numbers, or sizes."""


class VmEntry(Entry):
    """What a machine demands of its host, and what all its requests have in common."""

    name: Name
    resources: Demands | None = None
    tags: Listed[Tag] | None = None
    """Of its host, beside those its requests ask for."""
    priority: Priority | None = None
    """Of its requests that state none."""


class ApartEntry(Entry):
    """Volumes of one group on different places."""

    group: Name | None = None
    over: Name
    """`pool`, `host`, `zone`, `cluster` or a failure domain."""
    max_per_domain: Positive | None = None
    """1, unless only `min_domains` is stated."""
    min_domains: Positive | None = None


class NearEntry(Entry):
    """A volume where another group has one."""

    group: Name
    over: Name


class RequestEntry(Wishes):
    """One volume asked for. A wish of its own takes the place of its offering's."""

    name: Name
    size: SizeAsked
    offering: Name | None = None
    vm: Name | None = None
    """Requests of one VM share a host."""
    tenant: Name | None = None
    priority: Priority | None = None
    pool: Name | None = None
    host: Name | None = None
    cluster: Name | None = None
    zone: Name | None = None
    group: Name | None = None
    apart: ApartEntry | None = None
    near: NearEntry | None = None
    resources: Demands | None = None
    """Charged to the pool."""

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        own = self.own_group
        if self.apart is not None:
            if own is None:
                raise refusal("It names no group to be apart from.", "Maybe add `group: web`.", "apart")
            if self.apart.group not in (None, own):
                raise refusal(
                    f"The groups {own} and {self.apart.group} differ.",
                    f"Maybe group: {own}.",
                    "apart",
                    "group",
                )
        if self.near is not None and self.near.group == own:
            raise refusal("It would be near its own group.", "Maybe name another group.", "near", "group")
        return self

    @property
    def own_group(self) -> str | None:
        return self.group or (self.apart.group if self.apart is not None else None)
