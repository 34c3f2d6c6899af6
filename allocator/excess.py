"""Where limits are stated, and what lies above them: the check of sums, in plain loops and without arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from allocator.domain.inventory import Inventory
from allocator.domain.placement import ALL, Touched
from allocator.slack import ENDLESS

if TYPE_CHECKING:
    from allocator.limits import Limit


def total(limit: Limit, label: str, inventory: Inventory) -> int:
    """What a limit sums at one place."""
    charge = limit.charge
    if limit.held:
        return inventory.held(charge, label)
    if not limit.arrivals:
        return inventory.total(charge, label)
    return sum(
        amount
        for volume in inventory.volumes_at("host" if charge.over == "host" else "pool", label)
        for name, amount in inventory.amounts(charge, volume)
        if name == label and inventory.is_new(volume, charge.over, label)
    )


def stated(
    limits: Collection[Limit], inventory: Inventory, touched: Touched | None
) -> Iterable[tuple[Limit, int, str]]:
    """Every place to be checked at which a limit is stated, and the limit there."""
    if touched is None or not isinstance(limits, tuple):
        return _stated_anywhere(limits, inventory, touched)
    # What every request meets at a place is looked up once and kept.
    found: list[tuple[Limit, int, str]] = []
    known = inventory.figures(limits)
    for place in touched.places:
        here = known.get(place)
        if here is None:
            here = known[place] = tuple(_stated_at(limits, *place, inventory))
        found += here
    if "elsewhere" not in known:
        known["elsewhere"] = [limit for limit in limits if limit.charge.over not in ("pool", "host")]
    if known["elsewhere"]:
        found += _stated_anywhere(known["elsewhere"], inventory, touched)
    return found


def _stated_anywhere(
    limits: Iterable[Limit], inventory: Inventory, touched: Touched | None
) -> Iterator[tuple[Limit, int, str]]:
    places: dict[str, dict[str, Any]] = {}
    for limit in limits:
        charge = limit.charge
        if charge.over not in places:
            places[charge.over] = dict(_labels(charge.over, inventory, touched))
        here: Iterable[str] = places[charge.over]
        if charge.mark is not None and not limit.arrivals:
            # Of a group's sums only those that hold something can be above a limit: groups are many, their places few.
            here = sorted(label for label in inventory.totals(charge) if label in places[charge.over])
        for label in here:
            most = limit.of(places[charge.over][label])
            if most < ENDLESS:
                yield limit, most, label


def _stated_at(
    limits: Iterable[Limit], over: str, label: str, inventory: Inventory
) -> Iterator[tuple[Limit, int, str]]:
    place = inventory.pools[label] if over == "pool" else inventory.hosts[label]
    for limit in limits:
        if limit.charge.over == over and (most := limit.of(place)) < ENDLESS:
            yield limit, most, label


def excess(limit: Limit, most: int, label: str, inventory: Inventory) -> int:
    """What is above the limit at one place, 0 where the limit does not hold."""
    if limit.where is not None and inventory.total(limit.where, label) < 1:
        return 0
    if limit.unless is not None and inventory.total(limit.unless, label) > 0:
        return 0
    return max(0, total(limit, label, inventory) - most)


def _labels(over: str, inventory: Inventory, touched: Touched | None) -> Sequence[tuple[str, Any]]:
    """The places to be checked for a charge: (label, pool or host; None for `all` and failure domains)."""
    if over == "host":
        hosts = inventory.hosts
        return [*hosts.items()] if touched is None else [(name, hosts[name]) for name in touched.hosts]
    pools = inventory.pools
    if over == "pool":
        return [*pools.items()] if touched is None else [(name, pools[name]) for name in touched.pools]
    if over == ALL:
        return [(ALL, None)]
    labels = {pools[name].domain(over) for name in (pools if touched is None else touched.pools)}
    return [(label, None) for label in sorted(label for label in labels if label is not None)]
