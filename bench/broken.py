"""Fleets from a seed for `python -m bench rebalance`: filled, and then broken as life breaks them.

A pool holds some forty to sixty volumes of a few offerings and sizes. Of every eighty pools two drain, two may sell a
quarter less than they did, and one lost the tag that its volumes ask for. `fill` is what is sold of all that may still
be sold then: as full as the fleet is once it is mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import count
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest, QosSupport, Range
from allocator.domain.placement import Volume
from allocator.domain.places import Amount, Capacity, Host, Pool
from allocator.domain.qos import DIRECTIONS, FIELDS, UNITS, Band, Bands, Enforcer, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Request
from allocator.domain.sizes import GIB, MIB

ISCSI: Final = frozenset({"iscsi"})
ARRAY: Final = Manifest(
    "array",
    "none",
    qos=QosSupport(
        Enforcer.STORAGE,
        isolation=True,
        figures={(unit, direction, part): Range() for unit in UNITS for direction in DIRECTIONS for part in FIELDS},
    ),
    provisioning=frozenset({"thin"}),
    protocols=ISCSI,
)
TYPES: Final = {"ssd": (0, 300, 600, 1200), "hdd": (0, 50, 100, 200)}
"""Tags, and the IOPS that their volumes are promised (0: a limit only)."""
SIZES_GIB: Final = (20, 50, 100, 200, 500)
PER_POOL: Final = 50
PER_ZONE: Final = 4_000
"""Volumes of one zone: 80 pools."""
STRUCK: Final = 80
"""Of so many pools these are struck, and in each zone at least as many."""
DRAINED, OVERSOLD, RETAGGED = 2, 2, 1
LEFT: Final = Fraction(3, 4)
"""What an oversold pool may still sell of what it could."""
CLUSTERS: Final = 4
"""Clusters of a zone; every fourth pool belongs to one of them."""


def broken_fleet(seed: int, volumes: int, fill: str, *, unlike: bool = False) -> Inventory:
    """The fleet of a seed; all of it is sold thin and without overcommit. With `unlike` all sizes differ."""
    rng = Random(f"rebalance {seed} {volumes} {fill}")  # noqa: S311  reproducible, not secret
    zones = max(1, volumes // PER_ZONE)
    pools, placed, sizes = [], list[Volume](), _sizes(rng, unlike=unlike)
    hosts = [
        Host(f"z{zone}-h{number:03}", f"z{zone}", f"c{number % CLUSTERS}", protocols=ISCSI, iops=Amount(10**6))
        for zone in range(zones)
        for number in range(4 * CLUSTERS)
    ]
    for zone in range(zones):
        pools_here = volumes // zones // PER_POOL
        here = [host for host in hosts if host.zone == f"z{zone}"]
        struck = 5 * max(1, pools_here // STRUCK)
        lost = Fraction(struck, pools_here) * (DRAINED + RETAGGED + OVERSOLD * (1 - LEFT)) / 5
        made = [
            _filled(rng, f"z{zone}", number, here, Fraction(fill) * (1 - lost), sizes) for number in range(pools_here)
        ]
        pools += _struck(rng, [pool for pool, _ in made])
        placed += [volume for _, held in made for volume in held]
    return Inventory(pools, hosts, placed)


def _sizes(rng: Random, *, unlike: bool) -> Iterator[int]:
    """Sizes in bytes, without end; a little more for each where no two may be equal."""
    for number in count():
        yield rng.choice(SIZES_GIB) * GIB + number * MIB * unlike


def _filled(
    rng: Random, zone: str, number: int, hosts: list[Host], fill: Fraction, sizes: Iterator[int]
) -> tuple[Pool, list[Volume]]:
    """A pool with its volumes: how full it is differs from pool to pool, and no more is sold than there is."""
    tag = "ssd" if number % 2 else "hdd"
    cluster = f"c{number // 4 % CLUSTERS}" if number % 4 == 0 else None
    name = f"{zone}-p{number:03}"
    near = [host for host in hosts if cluster in (None, host.cluster)]
    held = range(rng.randint(PER_POOL - 10, PER_POOL + 10))
    requests = [_request(rng, f"{name}-v{index:02}", tag, sizes) for index in held]
    volumes = [
        Volume(asked, name, (rng.choice(near).name,), asked.alternatives[0], asked.alternatives[0])
        for asked in requests
    ]
    sold = min(Fraction(1), fill + Fraction(rng.randint(-100, 100), 1000))
    bytes_, iops = sum(r.size_bytes for r in requests), sum(r.alternatives[0].qos.iops.floor() or 0 for r in requests)
    pool = Pool(
        name,
        "array",
        ARRAY,
        "zone" if cluster is None else "cluster",
        zone,
        cluster,
        tags=frozenset({tag}),
        capacity=Capacity(-(-bytes_ // sold // GIB) * GIB),
        iops=Amount(int(iops / min(Fraction(1), sold + Fraction(rng.randint(-50, 0), 1000))) + 1),
    )
    return pool, volumes


def _request(rng: Random, name: str, tag: str, sizes: Iterator[int]) -> Request:
    floor, size_bytes = rng.choice(TYPES[tag]), next(sizes)
    if floor:
        wish = QosWish(Kind.PROVISIONED, Qos(iops=Bands(Band(floor=floor, ceiling=4 * floor))))
    else:
        wish = QosWish(Kind.LIMIT, Qos(iops=Bands(Band(ceiling=400))))
    return Request(name, size_bytes, alternatives((wish,), size_bytes), vm=f"vm-{name}", tags=frozenset({tag}))


def _struck(rng: Random, pools: list[Pool]) -> list[Pool]:
    times = max(1, len(pools) // STRUCK)
    struck = rng.sample(range(len(pools)), 5 * times)
    drained, retagged = struck[: DRAINED * times], struck[-RETAGGED * times :]
    found = []
    for number, pool in enumerate(pools):
        if number in drained:
            pool = replace(pool, state="draining")
        elif number in retagged:
            pool = replace(pool, tags=frozenset({"mixed"}))
        elif number in struck:
            total_bytes = pool.capacity.total_bytes
            assert total_bytes is not None
            pool = replace(pool, capacity=Capacity(int(total_bytes * LEFT)))
        found.append(pool)
    return found
