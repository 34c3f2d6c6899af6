"""What an administrator should know before anybody places anything: which offering fields are honoured where (R03),
which places nobody can use, and which endpoints prove nothing but a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.places import Host, Pool
from allocator.domain.qos import alternatives
from allocator.domain.request import Offering, Request
from allocator.domain.sizes import GIB
from allocator.fleet import Ask
from allocator.rule import Rule, singular
from allocator.shapes import FitRule
from allocator.topology import blind_hosts, unreachable_pools
from allocator.verify import broken


@dataclass(frozen=True, slots=True)
class Honour:
    """How one alternative of an offering fares: pools that honour all of it, and for each other pool why not."""

    alternative: int
    kind: str
    pools: tuple[str, ...]
    hosts: tuple[str, ...]
    """Hosts whose agent keeps it, and that carry the offering's host tags."""
    needs_host: bool
    """False in a fleet without hosts, unless the hypervisor is to enforce it."""
    complaints: tuple[tuple[str, str], ...]
    """(pool or host, why not)."""


@dataclass(frozen=True, slots=True)
class OfferingCheck:
    """Whether an offering can be kept anywhere, whatever room is left today."""

    offering: str
    alternatives: tuple[Honour, ...]

    @property
    def honoured(self) -> bool:
        return any(honour.pools and (honour.hosts or not honour.needs_host) for honour in self.alternatives)


def check_offering(
    offering: Offering, inventory: Inventory, rules: Sequence[Rule], size_bytes: int = GIB
) -> OfferingCheck:
    """Ask the rules that look at one volume and one place about a volume of `size_bytes` by this offering."""
    fits = [rule for rule in rules if isinstance(rule, FitRule)]
    request = _probe(offering, size_bytes)
    honours = []
    for asked in request.alternatives:
        complaints: list[tuple[str, str]] = []
        pools, hosts = set[str](), set[str]()
        for pool in inventory.pools.values():
            why = _pool_complaint(Ask(request, kept(asked, pool), asked), pool, fits)
            if why is None:
                pools.add(pool.name)
            else:
                complaints.append((pool.name, why))
        for host in inventory.hosts.values():
            found = _host_complaint(Ask(request, asked, asked), host, fits)
            if found is None:
                hosts.add(host.name)
            else:
                complaints.append((host.name, found))
        honours.append(
            Honour(
                alternative=asked.index,
                kind=str(asked.kind),
                pools=tuple(sorted(pools)),
                hosts=tuple(sorted(hosts)),
                needs_host=bool(inventory.hosts) or asked.by_hypervisor,
                complaints=tuple(complaints),
            )
        )
    return OfferingCheck(offering.name, tuple(honours))


def check(inventory: Inventory, rules: Sequence[Rule]) -> Iterator[Reason]:
    """Findings, the gravest first: offerings that nothing honours, places without use, names taken on trust."""
    for offering in inventory.offerings.values():
        result = check_offering(offering, inventory, rules)
        if not result.honoured:
            first = result.alternatives[-1].complaints
            text = "; ".join(f"{place} {singular(why)}" for place, why in first[:3]) or "there is no pool and host"
            yield Reason(
                "offering", offering.name, {"pools": 0}, f"offering {offering.name} is honoured nowhere: {text}"
            )
    for name in unreachable_pools(inventory):
        yield Reason("reach", name, {"hosts": 0}, f"pool {name} is reached by no host. Maybe its protocols differ.")
    for name in blind_hosts(inventory):
        yield Reason("reach", name, {"pools": 0}, f"host {name} reaches no pool. Maybe its zone or protocols differ.")
    for host in inventory.hosts.values():
        for endpoint in host.endpoints:
            if endpoint.iqn is not None and endpoint.chap is None:
                text = f"host {host.name} is known by {endpoint.iqn} alone, which proves nothing. Maybe add chap."
                yield Reason("chap", host.name, {"iqn": endpoint.iqn}, text)


def audit(inventory: Inventory, rules: Sequence[Rule]) -> Iterator[Reason]:
    """Everything that is broken now, tag drift among it (R05), and every offering that is honoured nowhere."""
    by_name = {rule.name: rule for rule in rules}
    for violation in broken(inventory, rules):
        yield by_name[violation.rule].reason(violation, inventory)
    yield from (reason for reason in check(inventory, rules) if reason.rule == "offering")


def _probe(offering: Offering, size_bytes: int) -> Request:
    return Request(
        name="probe",
        size_bytes=size_bytes,
        alternatives=alternatives(offering.qos, size_bytes),
        offering=offering.name,
        vm="probe",
        tags=offering.tags,
        forbid_tags=offering.forbid_tags,
        host_tags=offering.host_tags,
        provisioning=offering.provisioning,
        encrypted=offering.encrypted,
        dedicated=offering.dedicated,
        snapshot_reserve=offering.snapshot_reserve,
        details=offering.details,
    )


def _pool_complaint(ask: Ask, pool: Pool, rules: Sequence[FitRule]) -> str | None:
    return next((why for rule in rules if (why := rule.pool_complaint(ask, pool)) is not None), None)


def _host_complaint(ask: Ask, host: Host, rules: Sequence[FitRule]) -> str | None:
    return next((why for rule in rules if (why := rule.host_complaint(ask, host)) is not None), None)
