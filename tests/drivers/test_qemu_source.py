"""Granted strings as QEMU's block options: exactly the four forms, and nothing that only looks like one."""

from __future__ import annotations

import pytest

from allocator.agent import Access, DriverError, ErrorCode
from drivers.hypervisor.qemu_source import parse

IQN = "iqn.2026-01.org.allocator:vol-1"
HOST = "iqn.1994-05.com.redhat:kvm-01"
ISCSI = {"driver": "iscsi", "transport": "tcp", "portal": "10.0.0.5:3260", "target": IQN, "lun": 1}
CHAP = {"chap_user": "kvm-01", "chap_secret": "hunter2hunter2"}


@pytest.mark.parametrize(
    ("uri", "options"),
    [
        (f"iscsi://10.0.0.5:3260/{IQN}/1", ISCSI),
        (f"iscsi://[fd00::5]:3260/{IQN}/0", ISCSI | {"portal": "[fd00::5]:3260", "lun": 0}),
        (f"iscsi://san-1.example:860/{IQN}/16383", ISCSI | {"portal": "san-1.example:860", "lun": 16383}),
        (
            "nbd://10.0.0.5:10809/vol-1",
            {
                "driver": "nbd",
                "server": {"type": "inet", "host": "10.0.0.5", "port": "10809"},
                "export": "vol-1",
            },
        ),
        (
            "nbd://[fd00::5]:1/a/b%20c",
            {"driver": "nbd", "server": {"type": "inet", "host": "fd00::5", "port": "1"}, "export": "a/b c"},
        ),
        (
            "nbd+unix:///vol-1?socket=/run/q%3F/nbd",
            {"driver": "nbd", "server": {"type": "unix", "path": "/run/q?/nbd"}, "export": "vol-1"},
        ),
        ("file:///srv/pool/vol-1.raw", {"driver": "file", "filename": "/srv/pool/vol-1.raw"}),
        ("file:///srv/f%C3%BCr", {"driver": "file", "filename": "/srv/für"}),
    ],
)
def test_a_granted_string_becomes_block_options(uri: str, options: dict[str, object]) -> None:
    """R19, R21: the string alone says how the volume is reached."""
    source = parse(Access(uri), None, "secret")
    assert (source.options, source.secret) == (options, None)


def test_initiator_and_chap_reach_qemu_apart_from_the_secret() -> None:
    source = parse(Access(f"iscsi://10.0.0.5:3260/{IQN}/1", CHAP), HOST, "vol-1-chap")
    expected = {"initiator-name": HOST, "user": "kvm-01", "password-secret": "vol-1-chap"}
    assert source.options == ISCSI | expected
    assert source.secret == "hunter2hunter2"
    assert "hunter2" not in repr(source)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "vol-1",
        "rbd:pool/image",
        "https://10.0.0.5:1/x",
        f"iscsi://10.0.0.5/{IQN}/1",
        f"iscsi://10.0.0.5:0/{IQN}/1",
        f"iscsi://10.0.0.5:65536/{IQN}/1",
        f"iscsi://10.0.0.5:3260/{IQN}/16384",
        f"iscsi://10.0.0.5:3260/{IQN}/-1",
        f"iscsi://10.0.0.5:3260/{IQN}/1/2",
        f"iscsi://10.0.0.5:3260/{IQN}/1?x=y",
        f"iscsi://10.0.0.5:3260/{IQN}/1\n",
        "iscsi://10.0.0.5:3260/vol-1/1",
        f"iscsi://10.0.0.5:3260/iqn.{'a' * 220}/1",
        f"iscsi://kvm%hunter2@10.0.0.5:3260/{IQN}/1",
        f"iscsi://10.0.0.5,10.0.0.6:3260/{IQN}/1",
        "nbd://10.0.0.5:10809/",
        "nbd://10.0.0.5:10809/a?b",
        "nbd+unix:///vol-1",
        "nbd+unix:///vol-1?socket=nbd",
        "nbd+unix:///vol-1?socket=/run/../etc/nbd",
        "nbd+unix:///vol-1?socket=/run/nbd&socket=/run/other",
        f"nbd+unix:///vol-1?socket=/{'a' * 107}",
        "nbd+unix://host/vol-1?socket=/run/nbd",
        "file://host/srv/vol-1",
        "file:srv/vol-1",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "file:///srv/a%00b",
        "file:///srv/a%0ab",
        "file:///srv/%ff",
        "file:///srv/%zz",
        "file:///srv/" + "a" * 5000,
    ],
)
def test_any_other_string_is_refused(uri: str) -> None:
    """Security: what a driver returns is text from outside."""
    with pytest.raises(DriverError) as caught:
        parse(Access(uri), None, "secret")
    assert caught.value.code is ErrorCode.INVALID
    assert "Maybe " in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("secrets", [{"chap_user": "a"}, {"password": "hunter2"}, CHAP | {"other": "hunter2"}])
def test_secrets_that_iscsi_does_not_use_are_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(DriverError) as caught:
        parse(Access(f"iscsi://10.0.0.5:3260/{IQN}/1", secrets), HOST, "secret")
    assert caught.value.code is ErrorCode.UNSUPPORTED
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("uri", ["nbd://10.0.0.5:1/a", "nbd+unix:///a?socket=/run/nbd", "file:///srv/a"])
def test_secrets_of_other_protocols_are_refused(uri: str) -> None:
    with pytest.raises(DriverError) as caught:
        parse(Access(uri, CHAP), None, "secret")
    assert caught.value.code is ErrorCode.UNSUPPORTED
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("initiator", ["kvm-01", "iqn.a b", "iqn.x,y", "iqn.x\n", ""])
def test_an_initiator_that_is_no_iscsi_name_is_refused(initiator: str) -> None:
    with pytest.raises(DriverError, match="is no iSCSI name"):
        parse(Access(f"iscsi://10.0.0.5:3260/{IQN}/1"), initiator, "secret")


def test_node_names_tell_sources_and_devices_apart() -> None:
    one = parse(Access("file:///srv/one"), None, "secret")
    two = parse(Access("file:///srv/two"), None, "secret")
    names = {one.node_name("vol-1"), one.node_name("vol-2"), two.node_name("vol-1")}
    assert len(names) == 3
    assert {len(name) for name in names} == {31}
    assert one.node_name("vol-1") == parse(Access("file:///srv/one"), None, "secret").node_name("vol-1")
