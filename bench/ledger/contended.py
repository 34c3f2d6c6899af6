"""A fleet that is soon sold out, and what control planes keep asking of it: sums of all kinds, and more than sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Final

import yaml

GIB: Final = 2**30
RACKS: Final = 3
FAST: Final = {"bytes": 600 * GIB, "iops": 20_000, "volumes": 25, "snapshots": 40}
"""What each array sells that guarantees and isolates."""
CAPS: Final = {"bytes": 500 * GIB, "iops": 6_000, "volumes": 20}
"""What each array sells that enforces ceilings and isolates nobody: promises, or volumes without limit, never both."""
FILES: Final = {"bytes": 300 * GIB, "volumes": 20}
"""What each export sells, which volumes share, but not with one that wants it for itself."""
HOST: Final = {"iops": 12_000, "volumes": 25}
QUOTA: Final = {"bytes": 500 * GIB, "iops": 15_000}
"""What tenant `acme` may have of the fast arrays."""
POOLS: Final = {f"fast-{n}": FAST for n in range(6)} | {f"caps-{n}": CAPS for n in range(2)} | {
    f"files-{n}": FILES for n in range(4)
}  # fmt: skip
HOSTS: Final = tuple(f"host-{n}" for n in range(6))
GROUPS: Final = 8
"""Groups whose volumes stay apart over racks, one in each, whoever asks for them."""
POLICY: Final = "version: 1\ngoals: [placed, preference, balance]\nreserve_floors: true\n"

Wishes = Sequence[dict[str, Any]]


def rack(pool: str) -> int | None:
    """The rack that a fast array is in."""
    return int(pool.removeprefix("fast-")) % RACKS if pool.startswith("fast-") else None


def fleet(*, times: int = 1) -> str:
    """The documents; every pool and host has `times` as much of everything."""
    manifest = {
        "qos": {"isolation": False, "figures": {"iops": {"total": {"ceiling": {"least": 50, "most": 200_000}}}}}
    }
    drivers = {"fast": {"driver": "solidfire"}, "caps": {"driver": "solidfire", "manifest": manifest}}
    document = {
        "version": 1,
        "drivers": drivers | {"files": {"driver": "nfs"}},
        "agents": {"q": {"agent": "qemu"}},
        "tenants": [
            {
                "name": "acme",
                "quota": [{"tag": "fast", "capacity": QUOTA["bytes"] * times, "iops": QUOTA["iops"] * times}],
            }
        ],
        "pools": [_pool(name, sold, times) for name, sold in POOLS.items()],
        "hosts": [
            {
                "name": name,
                "zone": "z1",
                "agent": "q",
                "iops": HOST["iops"] * times,
                "max_volumes": HOST["volumes"] * times,
            }
            for name in HOSTS
        ],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _pool(name: str, sold: dict[str, int], times: int) -> dict[str, Any]:
    kind = name.partition("-")[0]
    pool: dict[str, Any] = {"name": name, "driver": kind, "zone": "z1", "tags": [kind], "managed": kind != "files"}
    pool |= {"capacity": sold["bytes"] * times, "max_volumes": sold["volumes"] * times}
    if "iops" in sold:
        pool |= {"iops": sold["iops"] * times}
    if kind == "fast":
        pool |= {"default_qos": {"min_iops": 50, "max_iops": 1_000}}
        pool |= {"resources": {"snapshots": sold["snapshots"] * times}, "domains": {"rack": f"r{rack(name)}"}}
    return pool


def wishes(who: str, rng: Random) -> Iterator[Wishes]:
    """One VM of 1-4 volumes, or one volume without a host, after the other, for ever; names begin with `who`."""
    number = 0
    while True:
        number += 1
        name, draw = f"{who}-{number}", rng.random()
        if draw < 0.1:
            yield [_wish(f"{name}-0", rng, tags=["caps"])]
        elif draw < 0.2:
            yield [_wish(f"{name}-0", rng, tags=["files"], dedicated=True)]
        elif draw < 0.4:
            group = f"g{rng.randrange(GROUPS)}"
            yield [_fast(f"{name}-0", rng, group=group, apart={"group": group, "over": "rack", "max_per_domain": 1})]
        else:
            yield [_of_vm(f"{name}-{n}", rng, vm=name) for n in range(rng.randint(1, 4))]


def four(number: int) -> Wishes:
    """A VM of four volumes."""
    rng = Random(number)  # noqa: S311  reproducible, not a secret
    return [_fast(f"vm{number}-{n}", rng, vm=f"vm{number}") for n in range(4)]


def _of_vm(name: str, rng: Random, **more: object) -> dict[str, Any]:
    draw = rng.random()
    if draw < 0.6:
        return _fast(name, rng, **more)
    if draw < 0.8:
        qos = {"throttled": {"total_iops": rng.choice([300, 600])}}
        return _wish(name, rng, tags=["files"], qos=qos, **more)
    return _wish(name, rng, tags=["caps"], qos={"provisioned": {"min_iops": 300, "max_iops": 400}}, **more)


def _fast(name: str, rng: Random, **more: object) -> dict[str, Any]:
    tenant = {"tenant": "acme"} if rng.random() < 0.3 else {}
    qos = {"provisioned": {"min_iops": rng.choice([500, 1_000, 2_000]), "max_iops": 4_000}}
    return _wish(name, rng, tags=["fast"], qos=qos, resources={"snapshots": 1}, **tenant, **more)


def _wish(name: str, rng: Random, **more: object) -> dict[str, Any]:
    return {"name": name, "size": rng.choice([8, 16, 24, 40]) * GIB, **more}
