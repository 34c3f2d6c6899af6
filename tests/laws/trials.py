"""Which worlds the laws are tried in: themes in which each rule has much to say, and pairs of rules that meet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from allocator.rule import Rule
from allocator.rules import RULES
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
from allocator.rules.state import State
from allocator.rules.tags import Tags
from allocator.rules.together_on_host import TogetherOnHost
from allocator.testing.draws import THEMES
from allocator.testing.laws import Law, complaints
from allocator.testing.trial import Trial
from allocator.testing.worlds import World, random_world

WORLDS: Final = int(os.environ.get("ALLOCATOR_TEST_WORLDS", "300"))
"""Random worlds for each law; a longer run is asked for with ALLOCATOR_TEST_WORLDS=3000."""
FIRST: Final = int(os.environ.get("ALLOCATOR_TEST_FIRST_SEED", "0"))
"""Its first seed."""

THEMES_OF: Final[dict[str, tuple[str, ...]]] = {
    "pinned": ("pins", "scopes"),
    "features": ("details", "reserves", "qos", "dedicated", "protocols"),
    "tags": ("tags",),
    "state": ("state",),
    "reach": ("scopes", "protocols", "access"),
    "together_on_host": ("dedicated",),
    "dedicated": ("dedicated", "tenants"),
    "capacity": ("pools", "reserves"),
    "iops": ("pools", "qos", "floors"),
    "bandwidth": ("bandwidth", "floors"),
    "host_iops": ("hosts",),
    "host_bandwidth": ("bandwidth",),
    "resources": ("resources",),
    "attachments": ("counts",),
    "exclusivity": ("dedicated",),
    "quota": ("quota",),
    "apart": ("groups",),
    "near": ("groups",),
}

PAIRS: Final[tuple[tuple[type[Rule], type[Rule]], ...]] = (
    (Capacity, Iops),
    (Bandwidth, Features),
    (Exclusivity, HostIops),
    (Exclusivity, Features),
    (HostBandwidth, Reach),
    (NearRule, ApartRule),
    (NearRule, Reach),
    (ApartRule, Reach),
    (TogetherOnHost, Reach),
    (QuotaRule, Tags),
    (Dedicated, Attachments),
    (State, Pinned),
)


def focused(seed: int, *rules: type[Rule]) -> World:
    """A world of few places in which these rules have much to say, and at most one other theme."""
    rng = Random(seed)
    themes = {theme for rule in rules for theme in THEMES_OF[rule.name]}
    return random_world(seed, pools=2, only={*themes, *rng.sample(THEMES, rng.randint(0, 1))})


def crowded(seed: int) -> World:
    """A world with VMs that ask the same and hosts that are equal: much can be merged."""
    return random_world(seed, pools=3, hosts=3, units=4, twins=0.75, equal_hosts=True)


def scattered(seed: int) -> World:
    """A world of several zones and protocols, in which groups and quotas join what is apart."""
    themes = Random(seed).sample(["scopes", "protocols", "access", "pins", "groups", "quota", "pools", "counts"], 4)
    return random_world(seed, pools=4, hosts=3, units=4, only=themes)


def found_in(worlds: Iterator[World], laws: Sequence[Law], rules: Sequence[type[Rule]] = RULES) -> list[str]:
    """The first few complaints."""
    found: list[str] = []
    for world in worlds:
        found += complaints(Trial(world, rules), laws)
        if len(found) > 3:
            break
    return found


def seeds(worlds: int) -> range:
    return range(FIRST, FIRST + worlds)
