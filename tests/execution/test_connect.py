"""Plug-ins by entry point, and secrets at the moment of use (design 11)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.places import Connection, Host, Pool, SecretRef
from allocator.driver import DriverError, ErrorCode, PoolConfig
from allocator.execution import connect
from allocator.execution.connect import Connections, Group, PluginError, installed
from allocator.execution.secrets import SecretError, Secrets
from tests.execution.world import MANIFEST


class Plugin:
    """Keeps what it was made with, and whether it was closed."""

    made: list[Plugin]

    def __init__(self, config: Mapping[str, object], pools: Sequence[PoolConfig] = ()) -> None:
        if "fail" in config:
            raise DriverError(ErrorCode.UNAVAILABLE, "Out of reach.")
        if "break" in config:
            raise KeyError(f"no key {config['break']}")
        self.config, self.pools, self.closed = config, pools, False
        Plugin.made.append(self)

    async def close(self) -> None:
        self.closed = True
        if self.config.get("close badly"):
            raise DriverError(ErrorCode.BUSY, "Busy.")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Plugin.made = []
    return


def loaded(group: Group, name: str) -> Callable[..., object]:
    return Plugin


def fleet(config: Mapping[str, object]) -> Inventory:
    pools = [
        Pool("p1", "d", MANIFEST, "host", "z1", host="h1", details={"path": "/srv/p1"}),
        Pool("p2", "d", MANIFEST, "zone", "z1"),
        Pool("p3", "missing", MANIFEST, "zone", "z1"),
    ]
    hosts = [Host("h1", "z1", agent="a"), Host("h2", "z1")]
    connections = [Connection("d", "files", config, MANIFEST)]
    return Inventory(pools, hosts, drivers=connections, agents=[Connection("a", "devices", config, MANIFEST)])


def secret(path: Path, mode: int = 0o600, text: str = "s3cret\n") -> SecretRef:
    path.write_text(text)
    path.chmod(mode)
    return SecretRef("file", str(path))


def test_one_driver_serves_its_pools_and_is_closed(tmp_path: Path) -> None:
    reference = secret(tmp_path / "secret")
    inventory = fleet({"user": "admin", "password": reference, "deep": {"list": [reference, 7]}})

    async def used() -> None:
        async with Connections(inventory, load=loaded) as connections:
            first = connections.driver(inventory.pools["p1"])
            assert connections.driver(inventory.pools["p2"]) is first
            assert connections.agent(inventory.hosts["h1"]) is not None
            assert connections.agent(inventory.hosts["h2"]) is None
            assert connections.secrets.hidden("login s3cret failed") == "login *** failed"
            assert "s3cret" not in repr(connections.secrets) + repr(vars(connections))

    asyncio.run(used())
    driver, agent = Plugin.made
    assert driver.config == {"user": "admin", "password": "s3cret", "deep": {"list": ["s3cret", 7]}}
    assert driver.pools == [PoolConfig("p1", "h1", {"path": "/srv/p1"}), PoolConfig("p2")]
    assert driver.closed
    assert agent.closed


def test_every_plug_in_is_closed_even_if_one_fails() -> None:
    inventory = fleet({"close badly": True})

    async def used() -> None:
        async with Connections(inventory, load=loaded) as connections:
            connections.driver(inventory.pools["p1"])
            connections.agent(inventory.hosts["h1"])

    with pytest.raises(DriverError, match="Busy"):
        asyncio.run(used())
    assert [plugin.closed for plugin in Plugin.made] == [True, True]


def test_what_cannot_be_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"There is no driver named missing. Maybe add it under `drivers`"):
        Connections(fleet({}), load=loaded).driver(fleet({}).pools["p3"])
    with pytest.raises(DriverError, match="Out of reach"):
        Connections(fleet({"fail": True}), load=loaded).driver(fleet({}).pools["p1"])
    broken = fleet({"break": secret(tmp_path / "secret")})
    with pytest.raises(PluginError, match=r"d cannot be set up: KeyError: 'no key \*\*\*'. Maybe its `config`"):
        Connections(broken, load=loaded).driver(broken.pools["p1"])


def test_only_installed_entry_points_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """R01: a plug-in in another package is found the same way; an import path is no name."""

    class Point:
        def __init__(self, name: str, error: Exception | None = None) -> None:
            self.name, self.error = name, error

        def load(self) -> type:
            if self.error is not None:
                raise self.error
            return Plugin

    points = [Point("theirs"), Point("broken", ImportError("No module named x"))]
    monkeypatch.setattr(connect, "entry_points", lambda group: points if group == "allocator.drivers" else [])
    assert installed("allocator.drivers", "theirs") is Plugin
    with pytest.raises(PluginError, match=r"broken of allocator.drivers cannot be loaded: No module named x"):
        installed("allocator.drivers", "broken")
    with pytest.raises(PluginError, match=r"os:system is not installed: allocator.drivers has broken, theirs."):
        installed("allocator.drivers", "os:system")
    with pytest.raises(PluginError, match=r"theirs is not installed: allocator.agents has none"):
        installed("allocator.agents", "theirs")


def test_secrets_come_from_named_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOCATOR_SECRET_SF", "s3cret")
    monkeypatch.setenv("HOME_ADDRESS", "private")
    monkeypatch.setenv("ALLOCATOR_SECRET_EMPTY", "")
    assert Secrets().fetch(SecretRef("env", "ALLOCATOR_SECRET_SF")) == "s3cret"
    for name, words in (
        (
            "HOME_ADDRESS",
            "is no environment variable for secrets. Maybe call it ALLOCATOR_SECRET_HOME_ADDRESS",
        ),
        ("ALLOCATOR_SECRET_NONE", "is not set. Maybe export it first"),
        ("ALLOCATOR_SECRET_EMPTY", "is empty. Maybe set it"),
    ):
        with pytest.raises(SecretError, match=words) as caught:
            Secrets().fetch(SecretRef("env", name))
        assert "private" not in str(caught.value)


def test_secrets_come_from_private_files(tmp_path: Path) -> None:
    assert Secrets().fetch(secret(tmp_path / "good")) == "s3cret"
    assert Secrets().fetch(secret(tmp_path / "read only", 0o400)) == "s3cret"
    (tmp_path / "link").symlink_to(tmp_path / "good")
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)
    for reference, words in (
        (secret(tmp_path / "group", 0o640), "has mode 0640: others can use it. Maybe `chmod 600"),
        (secret(tmp_path / "all", 0o604), "has mode 0604: others can use it"),
        (secret(tmp_path / "long", text="x" * 70_000), "has more than 65,536 bytes"),
        (SecretRef("file", str(tmp_path / "link")), "cannot be opened: Too many levels of symbolic links"),
        (SecretRef("file", str(tmp_path / "missing")), "cannot be opened: No such file"),
        (SecretRef("file", str(tmp_path / "pipe")), "is not a regular file"),
        (SecretRef("file", str(tmp_path)), "is not a regular file"),
        (SecretRef("file", str(tmp_path / "binary")), "is not UTF-8 text"),
    ):
        with pytest.raises(SecretError, match=words) as caught:
            Secrets().fetch(reference)
        assert "s3cret" not in str(caught.value)


def test_the_longest_secret_is_hidden_first() -> None:
    secrets = Secrets()
    secrets.remember("abc", "abcdef", "")
    assert secrets.hidden("abcdef, abc and ab") == "***, *** and ab"
