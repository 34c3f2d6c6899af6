"""Rule `tags`: a volume lies where its tags allow."""

from __future__ import annotations

from collections.abc import Hashable

from allocator.domain.places import Host, Pool
from allocator.fitting import FitRule
from allocator.fleet import Ask


class Tags(FitRule):
    """Rule: pool tags contain every required tag and no forbidden one; host tags every required host tag.

    Formula: request.tags <= pool.tags, request.forbid_tags & pool.tags = {}, request.host_tags <= host.tags;
    with `untagged: untagged_only`, a request without tags takes only pools without tags.

    Why: tags are how operators confine volumes today (R04). They say nothing that can be checked, so that
    `features` applies as well.
    """

    name = "tags"
    reads = "wishes"

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        return pool.tags

    @staticmethod
    def sees_host(host: Host) -> Hashable:
        return host.tags

    def concerns(self, ask: Ask, over: str) -> bool:
        request = ask.request
        if over == "host":
            return bool(request.host_tags)
        return bool(request.tags or request.forbid_tags or self.policy.untagged == "untagged_only")

    def pool_complaint(self, ask: Ask, pool: Pool) -> str | None:
        request = ask.request
        if not request.tags <= pool.tags:
            return f"lack {_named(request.tags - pool.tags)}"
        if not request.forbid_tags.isdisjoint(pool.tags):
            return f"carry {_named(request.forbid_tags & pool.tags)}, which is forbidden"
        if not request.tags and pool.tags and self.policy.untagged == "untagged_only":
            return "are for tagged volumes only"
        return None

    def host_complaint(self, ask: Ask, host: Host) -> str | None:
        missing = ask.request.host_tags - host.tags
        return f"lack {_named(missing)}" if missing else None


def _named(tags: frozenset[str]) -> str:
    return f"{'tag' if len(tags) == 1 else 'tags'} {', '.join(sorted(tags))}"
