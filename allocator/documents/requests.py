"""Requests as they are written, and the VMs they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from allocator.documents.offerings import Wishes
from allocator.documents.words import Count, Entry, Listed, Name, Positive, SizeAsked, SizeUsed, Tag, refusal

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


class AlsoEntry(Entry):
    """One more wish of either kind."""

    apart: ApartEntry | None = None
    near: NearEntry | None = None

    @model_validator(mode="after")
    def _one_wish(self) -> Self:
        if (self.apart is None) == (self.near is None):
            raise refusal("It states not exactly one of apart and near.", "Maybe one entry for each.")
        return self


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
    also: list[AlsoEntry] | None = None
    """Further wishes to be apart or near."""
    move_cost: Count = 0
    """What it costs to move this one, beside what the policy counts for any."""
    resources: Demands | None = None
    """Charged to the pool."""

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        own = self.own_group
        for at, apart in self.wishes_apart():
            if own is None:
                raise refusal("It names no group to be apart from.", "Maybe add `group: web`.", *at)
            if apart.group not in (None, own):
                raise refusal(f"The groups {own} and {apart.group} differ.", f"Maybe group: {own}.", *at, "group")
        for at, near in self.wishes_near():
            if near.group == own:
                raise refusal("It would be near its own group.", "Maybe name another group.", *at, "group")
        return self

    def wishes_apart(self) -> Iterator[tuple[tuple[str, ...], ApartEntry]]:
        """Every wish to be apart, with the keys that lead to it."""
        yield from ((("apart",), wish) for wish in [self.apart] if wish is not None)
        yield from ((("also",), wish.apart) for wish in self.also or () if wish.apart is not None)

    def wishes_near(self) -> Iterator[tuple[tuple[str, ...], NearEntry]]:
        """Every wish to be near a group, with the keys that lead to it."""
        yield from ((("near",), wish) for wish in [self.near] if wish is not None)
        yield from ((("also",), wish.near) for wish in self.also or () if wish.near is not None)

    @property
    def own_group(self) -> str | None:
        return self.group or next((apart.group for _, apart in self.wishes_apart() if apart.group), None)
