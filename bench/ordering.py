"""Moves to be put in order, from a seed: volumes trade places between pools that are nearly full, or exactly so."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.places import Capacity, Pool
from allocator.domain.qos import alternatives
from allocator.domain.request import Request
from allocator.domain.sizes import GIB

SIZES_GIB: Final = (10, 20, 50, 100, 200, 500)
POOL_BYTES: Final = 100 * 1024 * GIB
"""What each pool holds before and after; nearly all of it stays where it is."""
SPARE_BYTES: Final = 1024 * GIB
"""The room of one further pool, beside all that is full."""


def trade(seed: int, moves: int, pools: int, slack_permille: int) -> tuple[Inventory, list[Move]]:
    """Volumes of random pools, and a move for each to the pool of another one of its size.

    So every pool holds as much afterwards as before, and has `slack_permille` of that free. Some volumes trade places
    within their pool and have no move. The same seed and sizes give the same.
    """
    rng = Random(f"trade {seed} {moves} {pools} {slack_permille}")  # noqa: S311  reproducible, not secret
    names = [f"p{number:04d}" for number in range(pools)]
    homes: dict[int, list[str]] = defaultdict(list)
    for _ in range(moves):
        homes[rng.choice(SIZES_GIB) * GIB].append(rng.choice(names))
    made = _pools(names, slack_permille)
    pairs: list[tuple[Volume, str]] = []
    for size_bytes, here in sorted(homes.items()):
        there = rng.sample(here, len(here))
        pairs += [
            (_volume(f"v{len(pairs) + number}", size_bytes, made[source]), target)
            for number, (source, target) in enumerate(zip(here, there, strict=True))
        ]
    volumes = [volume for volume, _ in pairs]
    inventory = Inventory(made.values(), (), [*volumes, *_staying(volumes, made)])
    found = [
        Move(volume, Volume.on(made[target], volume.request, volume.asked))
        for volume, target in pairs
        if target != volume.pool
    ]
    rng.shuffle(found)
    return inventory, found


def _pools(names: list[str], slack_permille: int) -> dict[str, Pool]:
    files = Manifest("files", "none", provisioning=frozenset({"thin"}), protocols=frozenset({"iscsi"}))
    room_bytes = dict.fromkeys(names, POOL_BYTES * (1000 + slack_permille) // 1000) | {"spare": SPARE_BYTES}
    return {name: Pool(name, "d", files, "zone", "z1", capacity=Capacity(size)) for name, size in room_bytes.items()}


def _staying(volumes: list[Volume], pools: dict[str, Pool]) -> list[Volume]:
    """One volume on each pool, as large as all that stays there."""
    left = {name: POOL_BYTES for name in pools if name != "spare"}
    for volume in volumes:
        left[volume.pool] -= volume.request.size_bytes
    return [_volume(f"stays-{name}", size_bytes, pools[name]) for name, size_bytes in left.items()]


def _volume(name: str, size_bytes: int, pool: Pool) -> Volume:
    request = Request(name, size_bytes, alternatives((), size_bytes))
    return Volume.on(pool, request, request.alternatives[0])
