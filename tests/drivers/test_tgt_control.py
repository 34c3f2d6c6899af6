"""Whatever text is given, tgtd reads it as the one value it was meant to be, or never sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.domain.places import Endpoint
from allocator.driver import Client, DriverError, ErrorCode
from drivers.storage import tgt_control
from drivers.storage.backing import check_volume_id
from drivers.storage.tgt_access import Account, account, identity, kind
from drivers.storage.tgt_control import Control

T = TypeVar("T")
TEXT = st.text(max_size=40) | st.text(alphabet="ab,=\n\0 :.-/\x7f\x85", max_size=12)


@pytest.fixture(scope="module")
def sent() -> Iterator[list[str]]:
    """The texts that would go to tgtd."""
    texts: list[str] = []

    async def kept(control: str, mode: object, op: object, text: str = "", **numbers: int) -> str:
        texts.append(text)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tgt_control, "request", kept)
        yield texts


def accepted(call: Callable[[], T], *hidden: str) -> T | None:
    """What a call returns; None where it is refused, without quoting what is hidden."""
    try:
        return call()
    except DriverError as error:
        refusal = error
    assert refusal.code in (ErrorCode.INVALID, ErrorCode.UNSUPPORTED)
    assert not any(text in str(refusal) for text in hidden)
    return None


def spoken(sent: list[str], call: Coroutine[Any, Any, object]) -> list[str] | None:
    """The values of the last text that a call sends, None where it is refused."""
    sent.clear()
    if accepted(lambda: asyncio.run(call) or "done") is None:
        return None
    assert all(character.isprintable() for character in sent[-1])
    return [value.partition("=")[2] for value in sent[-1].split(",")]


@settings(deadline=None)
@given(text=TEXT)
def test_no_text_becomes_two_values(sent: list[str], text: str) -> None:
    """R19: a comma or an equals sign in a name would add options, users or whole lists of admitted hosts."""
    control = Control("/run/ctl.0")
    assert spoken(sent, control.new_target(text)) in (None, [text])
    assert spoken(sent, control.new_unit(7, text, direct=True)) in (None, [text, "rdwr", "direct"])
    assert spoken(sent, control.admit(7, text)) in (None, [text])
    assert spoken(sent, control.bind_account(7, text)) in (None, [text])
    assert spoken(sent, control.replace_account(Account(text, "0123456789ab"))) in (
        None,
        [text, "0123456789ab"],
    )
    assert spoken(sent, control.replace_account(Account("kvm-1", text))) in (None, ["kvm-1", text])


@settings(deadline=None)
@given(user=TEXT, secret=TEXT)
def test_chap_fields_are_refused_before_they_are_sent(sent: list[str], user: str, secret: str) -> None:
    """R19: what `account` lets through, tgtd gets unchanged; a refusal quotes no secret."""
    owner = Client("host-a", Endpoint(iqn="iqn.a:b"), user, f"S3CR3T{secret}")
    made = accepted(lambda: account(owner, "v-1"), "S3CR3T")
    if made is None:
        return
    assert "S3CR3T" not in repr(made)
    assert spoken(sent, Control("/run/ctl.0").replace_account(made)) == [f"{user}.v-1", f"S3CR3T{secret}"]


@settings(deadline=None)
@given(name=TEXT, address=TEXT | st.ip_addresses().map(str))
def test_an_identity_is_one_name_or_one_address(sent: list[str], name: str, address: str) -> None:
    """R19: never a mask, a pattern, ALL, or IPv6."""
    for endpoint in (Endpoint(iqn=name), Endpoint(address=address), Endpoint(iqn=f"iqn.{name}")):
        client = Client("host-a", endpoint)
        admitted = accepted(partial(identity, client))
        if admitted is None:
            continue
        assert kind(admitted) in ("initiator name", "IPv4 address")
        assert admitted in (endpoint.iqn, endpoint.address)
        assert spoken(sent, Control("/run/ctl.0").admit(7, admitted)) == [admitted]


@given(volume_id=TEXT)
def test_a_volume_id_is_a_plain_file_name(volume_id: str) -> None:
    """R18: what passes has no slash, no dot and nothing that tgtd refuses in a target's name."""
    if accepted(lambda: check_volume_id(volume_id)) is None:
        return
    assert 0 < len(volume_id) <= 64
    assert set(volume_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_what_lists_of_admitted_hosts_may_hold() -> None:
    kinds = [kind(each) for each in ("iqn.1994-05.com.redhat:kvm-01", "10.0.0.1", "::1", "ALL", "10.0.0.0/8")]
    assert kinds == ["initiator name", "IPv4 address", "IPv6 address", "pattern", "pattern"]


def test_the_parameters_of_a_unit_are_its_own(sent: list[str]) -> None:
    """The serial is the first 32 of the 64 hex digits of SHA-256; tgtd keeps 36 characters."""
    values = spoken(sent, Control("/run/ctl.0").describe_unit(7, "v-1", thin=True))
    assert values is not None
    assert values[0] == values[1]
    assert values[2] == "1"
    assert len(values[0]) == 32
    assert set(values[0]) <= set("0123456789abcdef")
    assert sent == [f"targetOps scsi_id={values[0]},scsi_sn={values[0]},thin_provisioning=1,"]
