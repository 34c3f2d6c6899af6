"""Who may log in to a target: identities and CHAP accounts, checked before they become tgtd's text."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from allocator.driver import Client, DriverError, ErrorCode

_NAME: Final = re.compile(r"(?:iqn|eui|naa)\.[A-Za-z0-9.:-]{1,219}")
"""RFC 7143, section 4.2.7: at most 223 characters."""
_USER: Final = re.compile(r"[A-Za-z0-9._:@-]{1,128}")
_SECRET: Final = re.compile(r"[!-+\--<>-~]{12,255}")
"""Printable, without `,` and `=`. At least 96 bits: RFC 7143, section 9.2.1. At most what tgtd compares: its chap.c."""


@dataclass(frozen=True, slots=True)
class Account:
    """A CHAP account of one client on one volume."""

    name: str
    secret: str = field(repr=False)


def identity(client: Client) -> str:
    """What tgtd is to compare: the initiator's name where the endpoint has one, else its literal IPv4 address.

    Raises DriverError INVALID, or UNSUPPORTED for IPv6: tgtd's `address_match` does not compare address families.
    """
    name, address = client.endpoint.iqn, client.endpoint.address
    if name is not None:
        if not _NAME.fullmatch(name):
            raise DriverError(
                ErrorCode.INVALID,
                f"host {client.host}: {name[:80]!a} is no initiator name. "
                "Maybe write it like iqn.1994-05.com.redhat:kvm-01.",
            )
        return name
    try:
        literal = ipaddress.ip_address(address or "")
    except ValueError:
        raise DriverError(
            ErrorCode.INVALID,
            f"host {client.host}: {(address or '')[:80]!a} is no literal address; tgtd takes names, masks and ALL "
            "without a word and admits nobody or everybody. Maybe give the host's initiator name.",
        ) from None
    if literal.version != 4:
        raise DriverError(
            ErrorCode.UNSUPPORTED,
            f"host {client.host}: tgtd compares the IPv6 address {literal} wrongly and lets others in. "
            "Maybe give the host's initiator name and a CHAP secret.",
        )
    return str(literal)


def shown_as(client: Client) -> str:
    """How a client stands on a target's list, whether or not it could be put there by us."""
    try:
        return identity(client)
    except DriverError:
        return client.endpoint.iqn or client.endpoint.address or ""


def kind(admitted: str) -> str:
    """What sort of identity a target's list holds, in words."""
    if _NAME.fullmatch(admitted):
        return "initiator name"
    try:
        return f"IPv{ipaddress.ip_address(admitted).version} address"
    except ValueError:
        return "pattern"


def account(client: Client, volume_id: str) -> Account | None:
    """The account a client logs in with; None where its endpoint asks for no CHAP.

    tgtd's accounts are global by name. Each volume gets its own, `USER.VOLUME_ID`, so that one client's secret on
    one volume can change, and go, without touching another. Raises DriverError INVALID, never quoting a secret.
    """
    name = account_name(client, volume_id)
    if name is None and client.chap_secret is None:
        return None
    if name is None:
        raise DriverError(ErrorCode.INVALID, f"host {client.host} has a CHAP secret and no user. Maybe {client.host}.")
    if client.chap_secret is None or not _SECRET.fullmatch(client.chap_secret):
        raise DriverError(
            ErrorCode.INVALID,
            f"host {client.host}: its CHAP secret is not 12 to 255 printable characters without comma, equals sign "
            "and space. Maybe make one with `openssl rand -hex 16`.",
        )
    return Account(name, client.chap_secret)


def account_name(client: Client, volume_id: str) -> str | None:
    """The name of a client's account on a volume, whether or not its secret is at hand. Raises DriverError INVALID."""
    user = client.chap_user
    if user is None:
        if client.endpoint.chap is None:
            return None
        user = client.endpoint.chap.user
    if not _USER.fullmatch(user):
        raise DriverError(
            ErrorCode.INVALID,
            f"host {client.host}: the CHAP user {user[:80]!a} is not 1 to 128 letters, digits and .-_:@. "
            f"Maybe {client.host}.",
        )
    return f"{user}.{volume_id}"
