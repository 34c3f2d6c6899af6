"""Small random worlds in which every rule and goal has something to say, broken starts included.

A world draws a few *themes*; what belongs to none of them stays plain, so that rules meet in pairs and not all at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Tenant
from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Kind, Qos, QosWish
from allocator.domain.request import Offering, Request
from allocator.testing.draws import (
    THEMES,
    Draw,
    Wishes,
    draw_host,
    draw_policy,
    draw_pool,
    draw_quota,
    draw_request,
    manifests,
)

BIG: Final = Offering("big", qos=(QosWish(Kind.PROVISIONED, Qos(iops=Bands(total=Band(floor=2, ceiling=4)))),))


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """An inventory, what is asked of it, and the policy; the name says how to make it again."""

    inventory: Inventory
    requests: tuple[Request, ...]
    policy: Policy
    name: str = "a world"


def random_world(
    seed: int,
    *,
    pools: int = 3,
    hosts: int = 2,
    units: int = 2,
    volumes: int = 2,
    twins: float = 0.0,
    equal_hosts: bool = False,
    only: Iterable[str] | None = None,
) -> World:
    """The world of a seed, of so many pools, hosts and VMs, with up to so many volumes placed.

    `twins` is the chance that a VM asks exactly what the one before it asked, `only` names its themes.
    """
    rng = Draw(seed)
    rng.themes = frozenset(rng.sample(THEMES, rng.randint(1, 5))) if only is None else frozenset(only)
    made_hosts = [draw_host(rng, f"h{number}") for number in range(hosts)]
    if equal_hosts:
        made_hosts = [replace(made_hosts[0], name=host.name) for host in made_hosts]
    kinds = list(manifests().values())
    made_pools = [draw_pool(rng, f"p{number}", kinds, made_hosts) for number in range(pools)]
    tenants = [Tenant("t1", tuple(draw_quota(rng) for _ in range(rng.themed("quota", [1, 2], 0))))]
    inventory = Inventory(made_pools, made_hosts, tenants=tenants, offerings=[BIG])
    wishes = Wishes.drawn(rng)
    requests = _requests(rng, units, twins, wishes)
    inventory.settle([_volume(rng, f"v{number}", inventory, wishes) for number in range(rng.randint(0, volumes))])
    return World(inventory, tuple(requests), draw_policy(rng), f"seed {seed}")


def _requests(rng: Draw, units: int, twins: float, wishes: Wishes) -> list[Request]:
    asked: list[Request] = []
    before: list[Request] = []
    for number in range(units):
        if before and rng.random() < twins:
            batch = [replace(request, name=f"{request.name}x{number}", vm=f"vm{number}") for request in before]
        else:
            vm = f"vm{number}" if rng.random() < 0.8 else None
            size = rng.choice([1, 1, 2]) if vm else 1
            batch = [draw_request(rng, f"r{number}{index}", vm, wishes) for index in range(size)]
            if vm and "resources" in rng.themes:
                batch[0] = replace(batch[0], host_resources=(("cpu", rng.randint(1, 3)),))
        before = [] if any(request.vm is None for request in batch) else batch
        asked += batch
    return asked


def _volume(rng: Draw, name: str, inventory: Inventory, wishes: Wishes) -> Volume:
    """A volume that is placed already, wherever it fell: nobody asked whether it may lie there."""
    request = draw_request(rng, name, rng.choice([None, f"old-{name}", "vm0"]), wishes)
    if request.vm is not None:
        request = replace(request, host_resources=rng.themed("resources", [(("cpu", 2),)], ()))
    hosts = list(inventory.hosts)
    attached: tuple[str, ...] = (rng.choice(hosts),) if request.attaches else ()
    if attached and len(hosts) > 1 and rng.themed("dedicated", [False, False, True], False):
        attached = tuple(hosts[:2])
    pool = inventory.pools[rng.choice(list(inventory.pools))]
    return Volume.on(pool, request, rng.choice(request.alternatives), attached, foreign=rng.random() < 0.1)
