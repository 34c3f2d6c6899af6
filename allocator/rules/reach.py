"""Rule `reach`: a host reaches the pools of its volumes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.domain.places import Host, Pool
from allocator.fleet import Ask, Fleet, IntArray
from allocator.rule import Links, Rule, Violation, checked, singular, subject_volume


class Reach(Rule):
    """Rule: a host reaches a pool of its zone, a pool of its cluster and its own local pools, by a protocol both speak,
    and only where they share an access group if the pool has any.

    Formula: scope matches, pool.protocols & host.protocols != {} (a local pool's files need none), and
    pool.access_groups = {} or pool.access_groups & host.access_groups != {}.

    Why: a volume that its host cannot see is no volume (R17). Places with equal facts form groups, so that the relation
    stays small however large the fleet.
    """

    name = "reach"
    reads = "wishes"
    static = True

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        """What decides who reaches a pool. Local pools form one group: the table says nothing of them."""
        if pool.scope == "host":
            return "host"
        cluster = pool.cluster if pool.scope == "cluster" else None
        return pool.zone, cluster, pool.scope, pool.manifest.protocols, pool.access_groups

    @staticmethod
    def sees_host(host: Host) -> Hashable:
        """What decides which pools a host reaches."""
        return host.zone, host.cluster, host.speaks(), host.access_groups

    def links(self, fleet: Fleet) -> Links | None:
        pools, hosts = fleet.kinds("pool", self.sees_pool), fleet.kinds("host", self.sees_host)
        table = np.array(
            [[unreached(pool, host) is None for host in hosts.examples] for pool in pools.examples], dtype=np.bool_
        ).reshape(len(pools.examples), len(hosts.examples))
        only_host = [fleet.host_row.get(pool.host or "", -1) if pool.scope == "host" else -1 for pool in fleet.pools]
        return Links(pools.codes, hosts.codes, table, np.array(only_host, dtype=np.int64))

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        for volume in checked(inventory, touched):
            pool = inventory.pools[volume.pool]
            for name in volume.hosts:
                complaint = unreached(pool, inventory.hosts[name])
                if complaint is not None:
                    subject = subject_volume(volume.name, f"pool {pool.name}, host {name}")
                    yield Violation(self.name, subject, 1, (pool.name, name, complaint))

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        pools, hosts = inventory.pools, inventory.hosts
        ways = {(volume.pool, host) for volume in arrivals for host in volume.hosts}
        return all(unreached(pools[pool], hosts[host]) is None for pool, host in ways)

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        assert isinstance(violation.cause, tuple)
        pool, host, complaint = violation.cause
        text = f"{violation.subject[1]}: pool {pool} {singular(complaint)} of host {host}"
        return Reason(self.name, violation.subject[1], {"pool": pool, "host": host}, text)

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        return "are not reached from any open host" if over == "pool" else "reach no pool that is open"


def unreached(pool: Pool, host: Host) -> str | None:
    """Why the host does not reach the pool, to be read before `of host h`; None where it does."""
    if pool.scope == "host":
        return None if pool.host == host.name else "lie outside the reach"
    if pool.zone != host.zone:
        return "lie outside the zone"
    if pool.scope == "cluster" and pool.cluster != host.cluster:
        return "lie outside the cluster"
    speaks = host.speaks()
    if speaks is not None and pool.manifest.protocols.isdisjoint(speaks):
        return "speak no protocol"
    if pool.access_groups and pool.access_groups.isdisjoint(host.access_groups):
        return "share no access group"
    return None
