"""Which host reaches which pool, place by place, where there are few enough of them."""

from __future__ import annotations

import numpy as np

from allocator.fleet import BoolArray
from allocator.rule import Links


def reach(links: Links) -> BoolArray:
    """[pool, host]"""
    shared = links.table[links.pool_group] & (links.only_host < 0)[:, None]
    found: BoolArray = shared[:, links.host_group]
    local = np.flatnonzero(links.only_host >= 0)
    found[local, links.only_host[local]] = True
    return found
