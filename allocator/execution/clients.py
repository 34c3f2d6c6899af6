"""Who is granted access: a host, by the identity that its pool's driver can check."""

from __future__ import annotations

from collections.abc import Callable

from allocator.domain.places import Endpoint, Host, Pool, SecretRef
from allocator.driver import Client
from allocator.ledger.records import Granted


def client_to_grant(host: Host, pool: Pool, fetch: Callable[[SecretRef], str]) -> Client:
    """The host by the first of its endpoints that the driver can tell, with the CHAP secret it may have."""
    fitting = [endpoint for endpoint in host.endpoints if _fits(endpoint, pool.manifest.identities)]
    endpoint = next(iter([*fitting, *host.endpoints]), Endpoint())
    if endpoint.chap is None:
        return Client(host.name, endpoint)
    return Client(host.name, endpoint, endpoint.chap.user, fetch(endpoint.chap.secret))


def client_to_revoke(granted: Granted) -> Client:
    """The host as it was granted: the documents may name it otherwise by now. A revoke needs no secret."""
    return Client(granted.host, Endpoint(granted.address, granted.iqn), granted.chap_user)


def granted_to(client: Client, uri: str) -> Granted:
    """What is remembered of a grant; never its secret."""
    endpoint = client.endpoint
    return Granted(client.host, uri, endpoint.address, endpoint.iqn, client.chap_user)


def _fits(endpoint: Endpoint, identities: frozenset[str]) -> bool:
    by_name = endpoint.iqn is not None and any(identity.startswith("iqn") for identity in identities)
    return by_name or (endpoint.address is not None and "ipv4" in identities)
