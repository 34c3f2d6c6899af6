"""Rule `pinned`: a volume lies where its request says it must."""

from __future__ import annotations

from collections.abc import Hashable

from allocator.domain.places import Host, Pool
from allocator.fitting import FitRule
from allocator.fleet import Ask, Sees


class Pinned(FitRule):
    """Rule: a request that names a pool, host, cluster or zone gets it.

    Formula: pool = request.pool, host = request.host, host.cluster = request.cluster, host.zone = request.zone. A
    volume that is not attached must lie on a pool that serves the place named.

    Why: a control plane narrows a request to the zone of its user, and an operator to one pool.
    """

    name = "pinned"
    reads = "pins"

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        return pool.name

    @staticmethod
    def sees_host(host: Host) -> Hashable:
        return host.name, host.cluster, host.zone

    def view(self, ask: Ask, over: str) -> Sees:
        """A zone or a cluster is shared by many places; only a pin of one pool or host needs its name."""
        named = ask.request.pool if over == "pool" else ask.request.host
        if named is not None:
            return super().view(ask, over)
        return _zone if ask.request.cluster is None else _site

    def concerns(self, ask: Ask, over: str) -> bool:
        request = ask.request
        if over == "pool" and request.attaches:
            return request.pool is not None
        return any((request.pool, request.host, request.cluster, request.zone))

    def pool_complaint(self, ask: Ask, pool: Pool) -> str | None:
        request = ask.request
        if request.pool is not None and pool.name != request.pool:
            return f"are not pool {request.pool}"
        if request.attaches:
            return None
        if request.zone is not None and pool.zone != request.zone:
            return f"are not in zone {request.zone}"
        if request.cluster is not None and pool.scope != "zone" and pool.cluster != request.cluster:
            return f"do not serve cluster {request.cluster}"
        return None

    def host_complaint(self, ask: Ask, host: Host) -> str | None:
        request = ask.request
        if request.host is not None and host.name != request.host:
            return f"are not host {request.host}"
        if request.zone is not None and host.zone != request.zone:
            return f"are not in zone {request.zone}"
        if request.cluster is not None and host.cluster != request.cluster:
            return f"are not in cluster {request.cluster}"
        return None


def _zone(place: Pool | Host) -> Hashable:
    return place.zone


def _site(place: Pool | Host) -> Hashable:
    scope = place.scope if isinstance(place, Pool) else None
    return place.zone, place.cluster, scope
