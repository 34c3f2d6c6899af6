"""Whose access a device shows, and whom to name so that it goes."""

from __future__ import annotations

from allocator.domain.places import Chap, Endpoint, Host, SecretRef
from allocator.driver import Client
from allocator.execution.identities import client_behind, missing, unheld
from allocator.ledger import Granted

BY_NAME = Granted("h1", "iscsi://a/b/1", "10.0.0.1", "iqn.2026-01.org.site:h1", "user-1")
BY_HOST = Granted("h2", "file:///a")


def host(name: str, *, chap: bool = False) -> Host:
    secret = Chap(f"{name}-user", SecretRef("env", "ALLOCATOR_SECRET_A")) if chap else None
    return Host(name, "z1", endpoints=(Endpoint(f"10.0.0.{name[1:]}", f"iqn.2026-01.org.site:{name}", secret),))


def test_a_grant_is_shown_by_any_of_its_names() -> None:
    """R19: host, initiator name, in whatever case, or address."""
    for name in ("h1", "10.0.0.1", "iqn.2026-01.org.site:h1", "IQN.2026-01.ORG.SITE:H1"):
        assert unheld([name], [BY_NAME, BY_HOST]) == []
        assert missing([name], [BY_NAME, BY_HOST]) == [BY_HOST]
    assert unheld(["h2", "h3", "ALL"], [BY_NAME, BY_HOST]) == ["h3", "ALL"]
    assert missing([], [BY_NAME]) == [BY_NAME]


def test_one_identity_is_named_and_no_other_of_the_same_host() -> None:
    """R20: taking the address must not take the name, which may be held."""
    hosts = [host("h1"), host("h3", chap=True)]
    by_address = client_behind("10.0.0.3", [], hosts)
    assert by_address == Client("h3", Endpoint(address="10.0.0.3"), "h3-user")
    by_name = client_behind("iqn.2026-01.org.site:h3", [], hosts)
    assert by_name == Client("h3", Endpoint(iqn="iqn.2026-01.org.site:h3"), "h3-user")
    assert client_behind("h3", [], hosts).host == "h3"
    unknown = client_behind("iqn.1994-05.com.redhat:x", [], hosts)
    assert unknown == Client("iqn.1994-05.com.redhat:x", Endpoint(iqn="iqn.1994-05.com.redhat:x"), unknown.host)


def test_an_account_that_is_held_never_goes_with_what_is_not() -> None:
    """R20: the host holds a grant by name and CHAP; its address, let in by hand, goes without that account."""
    assert client_behind("10.0.0.9", [BY_NAME], [host("h1", chap=True)]).chap_user == "10.0.0.9"
    held = Granted("h1", "iscsi://a/b/1", "10.0.0.1", None, "h1-user")
    named = client_behind("iqn.2026-01.org.site:h1", [held], [host("h1", chap=True)])
    assert (named.host, named.chap_user) == ("h1", "iqn.2026-01.org.site:h1")
    same = Granted("h5", "iscsi://a/b/1", None, "iqn.x:h5", "10.0.0.9")
    assert client_behind("10.0.0.9", [same], []).chap_user == "10.0.0.9.unheld"
