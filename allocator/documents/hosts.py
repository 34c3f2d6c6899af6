"""Hosts: hypervisors that volumes are attached to, and by which address or IQN storage knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from fractions import Fraction
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from allocator.documents.amounts import BandwidthGiven, IopsGiven, Resources, amount, resource_amounts
from allocator.documents.errors import Path, shown
from allocator.documents.references import check, find
from allocator.documents.secret_refs import Secret
from allocator.documents.words import ChapUser, Count, Entry, Iqn, Listed, Name, Tag, members, refusal
from allocator.domain.places import Chap, Connection, Endpoint, Host, HostState


def _address(text: str) -> str:
    with suppress(ValueError):
        if "%" not in text:  # an IPv6 scope may hold any text
            return str(ip_address(text))
    raise refusal(f"{shown(text)} is not an IP address.", "Maybe write it like 10.0.0.11.")


class ChapEntry(Entry):
    """iSCSI CHAP credentials."""

    user: ChapUser
    secret: Secret


class EndpointEntry(Entry):
    """One address by which storage knows a host."""

    address: Annotated[str, AfterValidator(_address)] | None = None
    iqn: Iqn | None = None
    chap: ChapEntry | None = None

    @model_validator(mode="after")
    def _is_known_by_something(self) -> Self:
        if self.address is None and self.iqn is None:
            raise refusal("It has neither an address nor an IQN.", "Maybe add `address: 10.0.0.11`.")
        return self


class HostEntry(Entry):
    """A hypervisor that volumes are attached to."""

    name: Name
    zone: Name
    cluster: Name | None = None
    tags: Listed[Tag] | None = None
    protocols: Listed[Name] | None = None
    """Absent: whatever its agent speaks."""
    endpoints: Listed[EndpointEntry] | None = None
    agent: Name | None = None
    """An entry of `agents`."""
    access_groups: Listed[Tag] | None = None
    """Only pools that share one, or that have none, are reached."""
    tenants: Listed[Name] | None = None
    """Set aside for these; absent: everyone."""
    state: HostState = "up"
    iops: IopsGiven | None = None
    bandwidth: BandwidthGiven | None = None
    resources: Resources | None = None
    """Any further dimensions."""
    max_volumes: Count | None = None


def host(
    entry: HostEntry,
    agents: Mapping[str, Connection],
    tenants: Collection[str],
    overcommit: Mapping[str, Fraction],
) -> Host:
    """Raises DocumentError for an agent or tenant that is not there."""
    path: Path = ("hosts", entry.name)
    agent = None if entry.agent is None else find(entry.agent, agents, "agent", (*path, "agent"))
    check(entry.tenants, tenants, "tenant", (*path, "tenants"))
    return Host(
        name=entry.name,
        zone=entry.zone,
        cluster=entry.cluster,
        tags=members(entry.tags),
        protocols=None if entry.protocols is None else frozenset(entry.protocols),
        endpoints=tuple(_endpoint(endpoint) for endpoint in entry.endpoints or ()),
        agent=entry.agent,
        manifest=None if agent is None else agent.manifest,
        access_groups=members(entry.access_groups),
        tenants=members(entry.tenants),
        iops=amount(entry.iops, "host_iops", overcommit),
        bandwidth=amount(entry.bandwidth, "host_bandwidth", overcommit),
        resources=resource_amounts(entry.resources, overcommit),
        max_volumes=entry.max_volumes,
        state=entry.state,
    )


def _endpoint(entry: EndpointEntry) -> Endpoint:
    chap = None if entry.chap is None else Chap(entry.chap.user, entry.chap.secret)
    return Endpoint(entry.address, entry.iqn, chap)
