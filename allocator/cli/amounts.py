"""What is sold of each pool and host, by the rules' own sums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Place, Pool
from allocator.domain.policy import Policy
from allocator.domain.sizes import format_dimension
from allocator.limits import UNLIMITED, LimitRule
from allocator.rule import Rule


@dataclass(frozen=True, slots=True)
class Sold:
    """One dimension of one place: what is sold of what may be sold (None: without limit)."""

    sold: int
    sellable: int | None
    dimension: str = ""

    def data(self) -> dict[str, int | None]:
        """What is left may be below 0, where a limit was lowered under what is sold (R07)."""
        left = None if self.sellable is None else self.sellable - self.sold
        return {"sold": self.sold, "sellable": self.sellable, "left": left}

    def __str__(self) -> str:
        """`5,000 of 15,000`; empty where nothing is sold and nothing may be."""
        if not self.sold and not self.sellable:
            return ""
        sold = format_dimension(self.dimension, self.sold)
        return sold if self.sellable is None else f"{sold} of {format_dimension(self.dimension, self.sellable)}"


def sold_at(place: Place, inventory: Inventory, rules: Iterable[Rule]) -> dict[str, Sold]:
    """`capacity`, `iops` and `bandwidth` as the rules of the policy sum them, and `volumes`."""
    found = {}
    for rule in rules:
        if isinstance(rule, LimitRule) and rule.sold is not None and rule.sold_as is not None:
            section, key = rule.sold_as
            if section == _section(place):
                most, sold = rule.sold.of(place), inventory.total(rule.sold.charge, place.name)
                found[key] = Sold(sold, None if most >= UNLIMITED else most, key)
    return found | {"volumes": Sold(len(_volumes(place, inventory)), place.max_volumes)}


def resources_at(place: Place, inventory: Inventory, policy: Policy) -> dict[str, Sold]:
    """Every further dimension that a pool or host states (R08)."""
    unknown = None if policy.unknown_total == "unlimited" else 0
    found = {}
    for name, amount in place.resources.items():
        requests = [volume.request for volume in _volumes(place, inventory)]
        taken = (r.resource(name) if isinstance(place, Pool) else r.host_resource(name) for r in requests)
        found[name] = Sold(sum(taken), unknown if amount.sellable is None else amount.sellable)
    return found


def _section(place: Place) -> str:
    return "pools" if isinstance(place, Pool) else "hosts"


def _volumes(place: Place, inventory: Inventory) -> list[Volume]:
    return list(inventory.volumes_at("pool" if isinstance(place, Pool) else "host", place.name))
