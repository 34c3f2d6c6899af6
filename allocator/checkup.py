"""What an administrator should know before anybody places anything: which offering fields are honoured where (R03),
which places nobody can use, and which endpoints prove nothing but a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allocator.domain.charging import kept
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.qos import alternatives
from allocator.domain.request import Offering, Request
from allocator.domain.sizes import GIB
from allocator.fitting import FitRule
from allocator.fleet import Ask
from allocator.rule import Rule, singular
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
    """(pool or host, why not): everything that is wrong with each."""

    def in_short(self) -> str:
        """The first thing that is wrong with each of the first three places."""
        first: dict[str, str] = {}
        for place, complaint in self.complaints:
            first.setdefault(place, f"{place} {singular(complaint)}")
        return "; ".join(list(first.values())[:3]) or "there is no pool and host"


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
        pools, hosts = list[str](), list[str]()
        for pool in inventory.pools.values():
            ask = Ask(request, kept(asked, pool), asked)
            why = [complaint for rule in fits for complaint in rule.pool_complaints(ask, pool)]
            complaints += [(pool.name, complaint) for complaint in why]
            pools += [] if why else [pool.name]
        for host in inventory.hosts.values():
            ask = Ask(request, asked, asked)
            why = [complaint for rule in fits for complaint in rule.host_complaints(ask, host)]
            complaints += [(host.name, complaint) for complaint in why]
            hosts += [] if why else [host.name]
        honours.append(
            Honour(
                alternative=asked.index,
                kind=str(asked.kind),
                pools=tuple(pools),
                hosts=tuple(hosts),
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
            text = f"offering {offering.name} is honoured nowhere: {result.alternatives[-1].in_short()}"
            yield Reason("offering", offering.name, {"pools": 0}, text)
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
