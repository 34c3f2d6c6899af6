"""Fleets built backwards from a placement, so that everything is known to fit, however full they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log
from random import Random
from typing import Any, Final, Literal

GB: Final = 10**9
"""A whole number of the steps in which the drivers used here make volumes: nothing is lost to rounding."""
TIERS: Final = ("gold", "silver", "bronze")
SHAPES: Final = ("iops-rich", "balanced", "capacity-rich")
Tight = Literal["capacity", "iops", "host_iops", "vcpu"]


@dataclass(frozen=True, slots=True)
class Planted:
    """Documents of a fleet, what is asked of it, and one answer that places all of it."""

    documents: dict[str, Any]
    requests: list[dict[str, Any]]
    pools: dict[str, str]
    """The pool of each request."""
    hosts: dict[str, str]
    """The host of each VM."""


def planted(
    seed: int, *, pools: int = 20, volumes: int = 500, full: Fraction = Fraction(97, 100), mixed: bool = True
) -> Planted:
    """Single volumes on pools that are `full` in space and in IOPS alike once all of them are placed.

    A volume has 20 GB to 3 TB and 100 to 8,000 guaranteed IOPS; seven in ten need a tier, three in ten encryption, each
    told by a tag. With `mixed` the pools differ in the IOPS they have for a GB, which is where scheduling by free space
    goes wrong.
    """
    rng = Random(seed)  # noqa: S311  a reproducible fleet, not a secret
    tags = {f"pool-{number}": _tags(number) for number in range(pools)}
    shaped: dict[str, list[str]] = defaultdict(list)
    for number, name in enumerate(tags):
        shaped[SHAPES[number % len(SHAPES)] if mixed else SHAPES[1]].append(name)
    drawn = [(_between(rng, 20, 3000) * GB, _between(rng, 100, 8000)) for _ in range(volumes)]
    drawn.sort(key=lambda volume: volume[1] / volume[0], reverse=True)
    homes: dict[str, str] = {}
    requests = []
    for place, (size, floor) in enumerate(drawn):
        name = f"volume-{place}"
        shape = SHAPES[place * len(SHAPES) // volumes] if mixed else SHAPES[1]
        homes[name] = rng.choice(shaped[shape])
        wanted = [tag for tag in tags[homes[name]] if rng.random() < (0.6 if tag == "encrypted" else 0.7)]
        requests.append(_request(name, size, floor, tags=wanted))
    rng.shuffle(requests)
    sold = _sold(requests, homes)
    return Planted(
        _documents([_pool(name, tags[name], *(int(Fraction(total) / full) for total in sold[name])) for name in sold]),
        requests,
        homes,
        {},
    )


def tight(seed: int, full: Tight | None = None, *, vms: int = 50, pools: int = 10, hosts: int = 12) -> Planted:
    """VMs of 1-3 volumes on a fleet of which one dimension (drawn where it is None) is full to the last unit.

    The other dimensions have a tenth to a half to spare.
    """
    rng = Random(seed)  # noqa: S311
    full = full or rng.choice(("capacity", "iops", "host_iops", "vcpu"))
    homes: dict[str, str] = {}
    seats: dict[str, str] = {}
    requests, machines = [], list[dict[str, Any]]()
    for number in range(vms):
        vm = f"vm-{number}"
        seats[vm] = f"host-{rng.randrange(hosts)}"
        machines.append({"name": vm, "resources": {"vcpu": rng.choice([1, 2, 4, 8])}})
        for volume in range(rng.randint(1, 3)):
            name = f"{vm}-{volume}"
            homes[name] = f"pool-{rng.randrange(pools)}"
            requests.append(_request(name, _between(rng, 20, 1000) * GB, _between(rng, 100, 5000), vm=vm))
    sold, carried = _sold(requests, homes), _carried(requests, seats)
    vcpus: dict[str, int] = defaultdict(int)
    for machine in machines:
        vcpus[seats[machine["name"]]] += machine["resources"]["vcpu"]

    def total(amount: int, of: Tight) -> int:
        return amount if of == full else amount * rng.randint(110, 150) // 100

    documents = _documents(
        [_pool(name, [], total(size, "capacity"), total(floor, "iops")) for name, (size, floor) in sold.items()]
    )
    documents["vms"] = machines
    documents["hosts"] = [
        {
            "name": name,
            "zone": "z",
            "protocols": ["iscsi"],
            "iops": total(floor, "host_iops"),
            "resources": {"vcpu": total(vcpus[name], "vcpu")},
        }
        for name, floor in carried.items()
    ]
    return Planted(documents, requests, homes, seats)


def _tags(number: int) -> list[str]:
    """Tiers take turns, and every other pool of a tier and shape encrypts."""
    tier = TIERS[number // len(SHAPES) % len(TIERS)]
    return [tier, "encrypted"] if number % 2 else [tier]


def _between(rng: Random, least: int, most: int) -> int:
    """As many below ten times the least as above a tenth of the most: sizes are spread over magnitudes."""
    return round(exp(rng.uniform(log(least), log(most))))


def _request(name: str, size: int, floor: int, **facts: Any) -> dict[str, Any]:
    return {"name": name, "size": size, "qos": {"provisioned": {"min_iops": floor, "max_iops": 2 * floor}}} | facts


def _pool(name: str, tags: list[str], size: int, floor: int) -> dict[str, Any]:
    return {"name": name, "driver": "array", "zone": "z", "tags": tags, "capacity": size, "iops": floor}


def _documents(pools: list[dict[str, Any]]) -> dict[str, Any]:
    return {"version": 1, "drivers": {"array": {"driver": "solidfire"}}, "pools": pools}


def _sold(requests: list[dict[str, Any]], homes: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Bytes and guaranteed IOPS on each pool that holds anything."""
    sold: dict[str, tuple[int, int]] = {}
    for request in requests:
        size, floor = sold.get(homes[request["name"]], (0, 0))
        sold[homes[request["name"]]] = (size + request["size"], floor + _floor(request))
    return dict(sorted(sold.items()))


def _carried(requests: list[dict[str, Any]], seats: dict[str, str]) -> dict[str, int]:
    """Guaranteed IOPS on each host that holds a VM."""
    carried: dict[str, int] = defaultdict(int)
    for request in requests:
        carried[seats[request["vm"]]] += _floor(request)
    return dict(sorted(carried.items()))


def _floor(request: dict[str, Any]) -> int:
    return int(request["qos"]["provisioned"]["min_iops"])
