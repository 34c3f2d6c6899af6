"""The rules, in the order in which they are asked and told: what never changes first, sums next, groups last."""

from __future__ import annotations

from allocator.domain.policy import Policy
from allocator.rule import Rule
from allocator.rules.apart import ApartRule
from allocator.rules.attachments import Attachments
from allocator.rules.bandwidth import Bandwidth
from allocator.rules.capacity import Capacity
from allocator.rules.dedicated import Dedicated
from allocator.rules.exclusivity import Exclusivity
from allocator.rules.features import Features
from allocator.rules.host_bandwidth import HostBandwidth
from allocator.rules.host_iops import HostIops
from allocator.rules.iops import Iops
from allocator.rules.near import NearRule
from allocator.rules.pinned import Pinned
from allocator.rules.quota import QuotaRule
from allocator.rules.reach import Reach
from allocator.rules.resources import Resources
from allocator.rules.state import State
from allocator.rules.tags import Tags
from allocator.rules.together_on_host import TogetherOnHost

RULES: tuple[type[Rule], ...] = (
    Pinned,
    Features,
    Tags,
    State,
    Reach,
    TogetherOnHost,
    Dedicated,
    Capacity,
    Iops,
    Bandwidth,
    HostIops,
    HostBandwidth,
    Resources,
    Attachments,
    Exclusivity,
    QuotaRule,
    ApartRule,
    NearRule,
)


def rules_of(policy: Policy) -> tuple[Rule, ...]:
    """The policy's rules, with its numbers."""
    return tuple(rule(policy) for rule in RULES if policy.rules is None or rule.name in policy.rules)
