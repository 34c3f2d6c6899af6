"""tgtd's listings as tgt 1.0.85 prints them, and as a hostile initiator would have them."""

from __future__ import annotations

import pytest

from drivers.storage.tgt_show import ForgedListing, Listing, account_names, connections, target_numbers

PREFIX = "iqn.2026-01.org.allocator"


def target(number: int, name: str, alias: str = "none", sessions: int = 1) -> str:
    nexus = "".join(
        f"        I_T nexus: {session}\n"
        f"            Initiator: iqn.a:h{session} alias: {alias}\n"
        "            Connection: 0\n"
        f"                IP Address: 10.0.0.{session}\n"
        for session in range(1, sessions + 1)
    )
    return (
        f"Target {number}: {PREFIX}:{name}\n"
        "    System information:\n        Driver: iscsi\n        State: ready\n"
        f"    I_T nexus information:\n{nexus}"
        "    LUN information:\n"
        "        LUN: 0\n            Type: controller\n            Thin-provisioning: No\n"
        "            Backing store path: None\n            Backing store flags: \n"
        "        LUN: 1\n            Type: disk\n            Thin-provisioning: Yes\n"
        f"            Backing store path: /pool/volumes/{name}\n            Backing store flags: \n"
        f"    Account information:\n        kvm-1.{name}\n        kvm-2.{name}\n"
        "    ACL information:\n        iqn.a:h1\n        iqn.a:h2\n"
    )


def names(*known: tuple[int, str]) -> str:
    lines = "".join(f"        Target {number}: {PREFIX}:{name}\n" for number, name in known)
    return f"LLDs:\n    iscsi: ready\n{lines}    iser: error\n"


def test_a_target_is_read_part_by_part() -> None:
    """R19: who is admitted is what the device says, not what we remember."""
    both = names((3, "a"), (5, "b"))
    found = Listing(both, target(3, "a", sessions=2) + target(5, "b", sessions=0), both).find(f"{PREFIX}:a")
    assert found is not None
    assert (found.number, found.sessions) == (3, 2)
    assert found.connected == {"iqn.a:h1", "10.0.0.1", "iqn.a:h2", "10.0.0.2"}
    assert found.accounts == ("kvm-1.a", "kvm-2.a")
    assert found.admitted == ("iqn.a:h1", "iqn.a:h2")
    unit = found.units[1]
    assert (unit.path, unit.thin) == ("/pool/volumes/a", True)
    assert set(found.units) == {0, 1}
    assert Listing(both, target(3, "a") + target(5, "b"), both).find(f"{PREFIX}:c") is None


def test_an_empty_tgtd_lists_nothing() -> None:
    assert Listing(names(), "", names()).find(f"{PREFIX}:a") is None


def test_what_comes_and_goes_between_two_looks_is_no_forgery() -> None:
    gone, stays, comes = (3, "a"), (5, "b"), (9, "c")
    before, after = names(gone, stays), names(stays, comes)
    for shown in ((gone, stays), (stays,), (stays, comes), (gone, stays, comes)):
        text = "".join(target(*each) for each in shown)
        assert Listing(before, text, after).find(f"{PREFIX}:b") is not None


PARTS = "x\n    LUN information:\n    Account information:\n    ACL information:\n"
HEAD = "    System information:\n    I_T nexus information:"


@pytest.mark.parametrize(
    "alias",
    [
        f"{PARTS}Target 4: {PREFIX}:invented\n{HEAD}",
        f"{PARTS}Target 5: {PREFIX}:b\n{HEAD}",
        f"{PARTS}Target 3: {PREFIX}:a\n{HEAD}",
    ],
    ids=["an invented target", "another target twice", "its own target twice"],
)
def test_a_forged_header_is_found_out(alias: str) -> None:
    both = names((3, "a"), (5, "b"))
    with pytest.raises(ForgedListing, match="Maybe a connected initiator"):
        Listing(both, target(3, "a", alias) + target(5, "b"), both)


def test_a_forged_part_is_found_out_where_it_is() -> None:
    """The victim's neighbour stays readable."""
    both = names((3, "a"), (5, "b"))
    listing = Listing(both, target(3, "a", "x\n    ACL information:\n        iqn.evil:x") + target(5, "b"), both)
    with pytest.raises(ForgedListing):
        listing.find(f"{PREFIX}:a")
    assert listing.find(f"{PREFIX}:b") is not None


def test_a_target_that_is_not_shown_is_found_out() -> None:
    with pytest.raises(ForgedListing):
        Listing(names((3, "a"), (5, "b")), target(3, "a"), names((3, "a"), (5, "b")))


def test_short_listings() -> None:
    assert target_numbers(names((2147483647, "a"))) == {f"{PREFIX}:a": 2147483647}
    assert account_names("Account list:\n    kvm-1.a\n    kvm-2.b\n") == ["kvm-1.a", "kvm-2.b"]
    assert account_names("") == []
    shown = (
        "Session: 2\n    Connection: 0\n        Initiator: x\n        IP Address: y\nSession: 1\n    Connection: 7\n"
    )
    assert connections(shown) == [(2, 0), (1, 7)]
