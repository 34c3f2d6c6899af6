"""How much of a planted fleet Cinder places, and how many of its pools it then has oversold.

A planted fleet has an answer that places everything. Cinder runs as it comes, which counts space and no IOPS; and with
IOPS in a function of each pool, every pool reporting after every volume. No driver can do that: between two reports,
a minute apart, the function sees no volume and sells like the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from allocator import Inventory, Policy
from allocator.documents import build
from bench.peers import cinder_words
from bench.peers.cinder_run import AS_IT_COMES, WITH_IOPS, Answers, Scheduler, drive, python
from bench.planted import GB, planted

MODES: Final[dict[str, Scheduler]] = {
    "Cinder as it comes": AS_IT_COMES,
    "Cinder with IOPS by DriverFilter, reported after every volume": replace(
        WITH_IOPS, weighers=AS_IT_COMES.weighers, report_every=1
    ),
}


@dataclass(frozen=True, slots=True)
class PlantedFigures:
    """What Cinder made of one planted fleet in one mode."""

    seed: int
    case: str
    """How Cinder ran: a key of `MODES`."""
    version: str
    asked: int
    placed: int
    pools: int
    oversold: int
    """Pools whose guaranteed IOPS add up to more than they may sell."""
    worst_percent: int
    """Of what it may sell, on the pool that is oversold most; rounded up."""

    def line(self) -> str:
        """One line for people."""
        return (
            f"seed {self.seed}, {self.case}: {self.placed:,} of {self.asked:,} placed; "
            f"{self.oversold} of {self.pools} pools oversold on IOPS, most {self.worst_percent:,} %"
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare_planted(seed: int, tell: Callable[[str], None] = print) -> Iterator[PlantedFigures]:
    """One planted fleet through Cinder in each mode. Raises PeerError."""
    drawn = planted(seed)
    world = build(drawn.documents, Policy())
    volumes = [cinder_words.volume(request, unit_bytes=GB) for request in world.ask(drawn.requests, world.inventory)]
    interpreter = python(tell)
    for mode, scheduler in MODES.items():
        services = cinder_words.services(world.inventory, iops=scheduler.iops, unit_bytes=GB)
        yield judged(seed, mode, drive(interpreter, scheduler, services, volumes), world.inventory, volumes)


def judged(
    seed: int, mode: str, answers: Answers, inventory: Inventory, volumes: Sequence[Mapping[str, Any]]
) -> PlantedFigures:
    """What the pools of an inventory have sold after these answers for these volumes."""
    sold: Counter[str] = Counter()
    for pool, volume in zip(answers.pools, volumes, strict=True):
        if pool is not None:
            sold[pool] += int(volume["qos"]["minIOPS"])
    percent = [-(-100 * amount // (inventory.pools[pool].iops.sellable or 1)) for pool, amount in sold.items()]
    return PlantedFigures(
        seed,
        mode,
        answers.version,
        asked=len(volumes),
        placed=sum(pool is not None for pool in answers.pools),
        pools=len(inventory.pools),
        oversold=sum(share > 100 for share in percent),
        worst_percent=max(percent, default=0),
    )
