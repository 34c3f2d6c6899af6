"""Pools and hosts as `list` shows them: state, what is sold of each dimension, vendor details (R15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from allocator import Allocator
from allocator.cli import show
from allocator.cli.amounts import Sold, resources_at, sold_at
from allocator.cli.figures import qos_json
from allocator.domain.places import Host, Place, Pool
from allocator.domain.sizes import format_bytes

_SOLD: Final = ("capacity", "iops", "bandwidth")


def pool_rows(allocator: Allocator) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Cells and data of each pool."""
    for pool in allocator.inventory.pools.values():
        sold = sold_at(pool, allocator.inventory, allocator.rules)
        resources = resources_at(pool, allocator.inventory, allocator.policy)
        used = "" if pool.used_bytes is None else format_bytes(pool.used_bytes)
        driver = f"{pool.driver} ({pool.manifest.name}{'' if pool.managed else ', unmanaged'})"
        scope = f"{pool.scope} {getattr(pool, pool.scope)}"
        cells = [pool.name, pool.state, driver, scope, ", ".join(sorted(pool.tags))]
        amounts = _amount_cells(sold, resources)
        yield (
            [*cells, *amounts, used, show.pairs(dict(sorted(pool.details.items())))],
            _pool_json(pool) | _amounts_json(sold, resources),
        )


def host_rows(allocator: Allocator) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Cells and data of each host."""
    for host in allocator.inventory.hosts.values():
        sold = sold_at(host, allocator.inventory, allocator.rules)
        resources = resources_at(host, allocator.inventory, allocator.policy)
        spoken = host.speaks()
        agent = "" if host.manifest is None else f"{host.agent} ({host.manifest.name})"
        cells = [host.name, host.state, host.zone, host.cluster or "", ", ".join(sorted(host.tags)), agent]
        protocols = "any" if spoken is None else ", ".join(sorted(spoken))
        amounts = _amount_cells(sold, resources)[1:]
        yield [*cells, protocols, *amounts], _host_json(host) | _amounts_json(sold, resources)


def _amount_cells(sold: Mapping[str, Sold], resources: Mapping[str, Sold]) -> list[str]:
    """Capacity, IOPS, bandwidth, further dimensions, volumes."""
    amounts = [str(sold.get(key, "")) for key in _SOLD]
    return [*amounts, ", ".join(f"{name} {amount}" for name, amount in resources.items()), str(sold["volumes"])]


def _amounts_json(sold: Mapping[str, Sold], resources: Mapping[str, Sold]) -> dict[str, Any]:
    amounts: dict[str, Any] = {key: amount.data() for key, amount in sold.items()}
    return amounts | {"resources": {name: amount.data() for name, amount in resources.items()}}


def _pool_json(pool: Pool) -> dict[str, Any]:
    return {
        **_place_json(pool),
        "driver": pool.driver,
        "plugin": pool.manifest.name,
        "managed": pool.managed,
        "scope": pool.scope,
        "host": pool.host,
        "domains": dict(sorted(pool.domains.items())),
        "default_qos": qos_json(pool.given_qos),
        "used_bytes": pool.used_bytes,
        "details": dict(sorted(pool.details.items())),
    }


def _host_json(host: Host) -> dict[str, Any]:
    spoken = host.speaks()
    return {
        **_place_json(host),
        "agent": host.agent,
        "plugin": None if host.manifest is None else host.manifest.name,
        "protocols": None if spoken is None else sorted(spoken),
        "endpoints": [
            {
                "address": endpoint.address,
                "iqn": endpoint.iqn,
                "chap_user": None if endpoint.chap is None else endpoint.chap.user,
            }
            for endpoint in host.endpoints
        ],
    }


def _place_json(place: Place) -> dict[str, Any]:
    return {
        "name": place.name,
        "state": place.state,
        "zone": place.zone,
        "cluster": place.cluster,
        "tags": sorted(place.tags),
        "access_groups": sorted(place.access_groups),
        "tenants": sorted(place.tenants),
    }
