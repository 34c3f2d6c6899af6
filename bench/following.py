"""What it costs a loaded fleet to follow what another process has committed, beside reading everything again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from allocator import Allocator, Policy
from allocator.documents import World, build, volume_document
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.ledger import Ledger
from allocator.planning.steps import placement_steps
from bench.worlds import fleet, virtual_machines

ZONES, POOLS, HOSTS = 10, 1_000, 10_000


@dataclass(frozen=True, slots=True)
class Following:
    """CPU microseconds: of reading everything, and of following so many commits of 1-4 volumes each."""

    volumes: int
    everything: int
    followed: dict[int, int]

    def line(self) -> str:
        """One line for people."""
        told = ", ".join(f"{commits:,} commits {micros:,} us" for commits, micros in self.followed.items())
        return f"{self.volumes:,} volumes: everything {self.everything:,} us; following {told} of CPU"


def measure_following(volumes: int = 100_000, commits: Sequence[int] = (1, 10, 100), seed: int = 1) -> Following:
    """Fill a SQLite ledger with that many volumes, read it once, and then follow another writer of the same process.

    For each number of commits the median of five is taken.
    """
    world = build(fleet(seed, zones=ZONES, pools=POOLS, hosts=HOSTS), Policy())
    vms = _vms(world, seed, volumes + 401 + 5 * sum(commits))
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/ledger.db"
        other = Ledger.open(url)
        held = 0
        while held < volumes:
            batch = [volume for vm in islice(vms, 400) for volume in vm]
            _reserve(other, batch)
            held += len(batch)
        with Allocator(world, Policy(), Ledger.open(url)) as follower:
            everything = _micros(follower)
            # Sums that are kept make following dearer: without a decision there are none.
            follower.explain([volume.request for volume in next(vms)])
            followed = {}
            for number in commits:
                taken = []
                for _ in range(5):
                    for vm in islice(vms, number):
                        _reserve(other, vm)
                    taken.append(_micros(follower))
                followed[number] = sorted(taken)[2]
        other.close()
    return Following(held, everything, followed)


def _vms(world: World, seed: int, number: int) -> Iterator[list[Volume]]:
    """VMs where they come to lie by chance: following does not ask whether that is well."""
    rng = Random(seed)  # noqa: S311  reproducible, not a secret
    pools, hosts = list(world.inventory.pools.values()), list(world.inventory.hosts)
    for entries in virtual_machines(seed, number, zones=ZONES):
        requests = world.ask(entries, world.inventory)
        host = rng.choice(hosts)
        yield [Volume.on(rng.choice(pools), each, each.alternatives[0], (host,)) for each in requests]


def _reserve(ledger: Ledger, volumes: Sequence[Volume]) -> None:
    plan = Plan.of(placement_steps(volumes), [volume_document(volume) for volume in volumes])
    ledger.reserve(plan, seen=ledger.changes())


def _micros(follower: Allocator) -> int:
    started = time.process_time_ns()
    assert follower.inventory.volumes
    return (time.process_time_ns() - started) // 1000
