"""Whose access a device shows: its identities held against the grants that the ledger knows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence

from allocator.domain.places import Endpoint, Host
from allocator.driver import Client
from allocator.ledger.records import Granted


def unheld(shown: Iterable[str], held: Sequence[Granted]) -> list[str]:
    """The identities with access that belong to no grant of the ledger."""
    known = {name for granted in held for name in _names(granted.host, granted.address, granted.iqn)}
    return [identity for identity in shown if identity.casefold() not in known]


def missing(shown: Iterable[str], held: Iterable[Granted]) -> list[Granted]:
    """The grants of the ledger of which the device shows no identity."""
    there = {identity.casefold() for identity in shown}
    return [granted for granted in held if there.isdisjoint(_names(granted.host, granted.address, granted.iqn))]


def client_behind(identity: str, held: Sequence[Granted], hosts: Iterable[Host]) -> Client:
    """Whom to name to a driver so that it revokes this identity, and nothing of what is held.

    The CHAP user is that of the host, or the identity itself, as many sites have it; never one by which somebody
    else was granted, whose account would go with it.
    """
    host, user = next(_owners(identity, hosts), (identity, None))
    if user is None or any(granted.host == host for granted in held):
        user = identity
    while user in {granted.chap_user for granted in held}:
        user += ".unheld"
    return Client(host, _endpoint(identity), user)


def _names(*names: str | None) -> set[str]:
    return {name.casefold() for name in names if name}


def _owners(identity: str, hosts: Iterable[Host]) -> Iterator[tuple[str, str | None]]:
    """Each host that goes by an identity, and its CHAP user."""
    for host in hosts:
        for endpoint in host.endpoints or (Endpoint(),):
            if identity.casefold() in _names(host.name, endpoint.address, endpoint.iqn):
                yield host.name, None if endpoint.chap is None else endpoint.chap.user


def _endpoint(identity: str) -> Endpoint:
    """That identity alone: beside another of the same host, the driver would take the other."""
    try:
        ipaddress.ip_address(identity)
    except ValueError:
        return Endpoint(iqn=identity)
    return Endpoint(address=identity)
