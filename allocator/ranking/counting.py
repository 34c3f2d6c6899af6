"""Whether places are too few for the volumes of one VM, told by counting, before any search.

A search that tries volume after volume meets such a lack last, and once for each order of the volumes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allocator.domain.placement import Charge
from allocator.fleet import Fleet
from allocator.ranking.way import Way


def too_few(ways: Sequence[Way], fleet: Fleet) -> bool:
    """Whether under some sum the open places take fewer of these volumes, by number, than there are.

    True only where no choice of pools is possible. None of the volumes may have been added to the fleet.
    """
    charges = dict.fromkeys(slack.charge for way in ways for slack in way.tests.slacks)
    return any(_too_few(charge, ways, fleet) for charge in charges if charge is not None)


def _too_few(charge: Charge, ways: Sequence[Way], fleet: Fleet) -> bool:
    bound = [(way, slack) for way in ways for slack in way.tests.slacks if slack.charge is charge]
    volumes = sum(any(slack.charge is charge for slack in way.tests.slacks) for way in ways)
    least = min(_least(charge, way, fleet) for way, _ in bound)
    if volumes < 2 or least < 1 or any(slack.gate is not None for _, slack in bound):
        return False
    lies = fleet.tally(charge)
    takes = np.zeros(len(lies), dtype=np.int64)
    for way, slack in bound:
        labels = slack.index[way.open]
        if (labels < 0).any():
            return False
        room = slack.room if isinstance(slack.room, int) else slack.room[way.open]
        # The last of so many volumes at one place still needs its own room beside the others.
        np.maximum.at(takes, labels, (room - lies.take(labels)) // least + 1)
    return int(takes.clip(0, volumes).sum()) < volumes


def _least(charge: Charge, way: Way, fleet: Fleet) -> int:
    """The least that a volume adds to the sum at any of its places."""
    more = fleet.amounts(charge, (way.tests.ask,), way.tests.slice.rows)
    return more if isinstance(more, int) else int(more.min())
