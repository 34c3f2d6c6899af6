"""What is noted of a decision: by which policy and documents, what was open to each volume, and what it costs.

Noting must not slow down the call that places one VM. What documents close to a request is counted once for all that
have the same wishes; what was sold out at that moment is not counted, since the history tells what lay where.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, Literal

import numpy as np

from allocator.decide import Decision
from allocator.domain.grounds import Grounds
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.fleet import MOST_SHAPES, Ask, BoolArray
from allocator.rule import Rows
from allocator.screen import Screen

MOST_REFUSED: Final = 20
"""How many refused requests are noted by name."""

_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
_Mask = Callable[[Rows], BoolArray | None]


def fingerprint(policy: Policy) -> str:
    """The first 16 hex digits of a hash of all that a policy says, whatever its file looks like or is named."""
    return hashlib.sha256(_JSON.encode({**asdict(policy), "name": ""}).encode()).hexdigest()[:16]


class Minutes:
    """Notes decisions by one policy on one set of documents, given by name and hash."""

    def __init__(self, policy: Policy, documents: Iterable[tuple[str, str]]) -> None:
        self.rests_on: Mapping[str, object] = {
            "policy": {"name": policy.name, "hash": fingerprint(policy)},
            "documents": [{"name": name, "hash": content} for name, content in documents],
        }
        self._screen: Screen | None = None
        self._texts: dict[tuple[object, ...], str] = {}

    def of(self, decision: Decision, screen: Screen) -> Grounds:
        """What is to be noted of a decision that was taken on this screen."""
        if screen is not self._screen or len(self._texts) > MOST_SHAPES:
            self._screen, self._texts = screen, {}
        return Grounds(
            self._of_decision(decision), {volume.name: self._of_volume(volume, screen) for volume in decision.volumes}
        )

    def of_plan(self, status: Literal["asked", "given"]) -> Grounds:
        """What is to be noted of a change that was asked for, or of a plan that was decided elsewhere and given."""
        return Grounds(_JSON.encode({**self.rests_on, "status": status}))

    def _of_decision(self, decision: Decision) -> str:
        refused = tuple([refusal.request for refusal in decision.refused])
        key = (decision.status, decision.goals, len(decision.volumes), refused)
        found = self._texts.get(key)
        if found is None:
            noted = {
                **self.rests_on,
                "status": decision.status,
                "goals": [{"goal": goal.goal, "cost": goal.cost, "bound": goal.bound} for goal in decision.goals],
                "placed": len(decision.volumes),
                "refused": {"requests": len(refused), "names": refused[:MOST_REFUSED]},
            }
            found = self._texts[key] = _JSON.encode(noted)
        return found

    def _of_volume(self, volume: Volume, screen: Screen) -> str:
        request = volume.request
        key = (request.wishes, request.pins, volume.asked.index, volume.alternative)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = _JSON.encode(considered(volume, screen))
        return found


def considered(volume: Volume, screen: Screen) -> dict[str, Any]:
    """How many pools and hosts the documents leave open to a volume as it is kept, and which rule closes the others.

    A place counts for the first rule that closes it.
    """
    fleet, request = screen.fleet, volume.request
    rules = [rule for rule in screen.rules if rule.static and rule.reads != "all"]
    ask = Ask.of(volume)
    pools = [(rule.name, partial(rule.open_pools, ask, fleet)) for rule in rules]
    hosts = [(rule.name, partial(rule.open_hosts, (ask,), fleet)) for rule in rules]
    noted = {"qos": str(volume.asked.kind), "choice": volume.asked.index, "pools": _counted(pools, len(fleet.pools))}
    return noted | ({"hosts": _counted(hosts, len(fleet.hosts))} if request.attaches else {})


def _counted(opens: Sequence[tuple[str, _Mask]], size: int) -> dict[str, Any]:
    closed, left = {}, np.arange(size)
    for name, open_ in opens:
        mask = open_(left)
        if mask is not None and not mask.all():
            closed[name] = len(left) - int(np.count_nonzero(mask))
            left = left[mask]
    return {"all": size, "open": len(left), "closed": closed}
