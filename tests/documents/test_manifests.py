"""Manifests (R01): what ships can be read, another package's is found, an instance narrows its own."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from allocator.documents import DocumentError, build, manifests
from allocator.documents.manifests import plugin_manifest, plugin_names, read_manifest
from allocator.domain.manifest import Manifest, Range
from allocator.domain.policy import Policy
from allocator.domain.qos import Enforcer

SHIPPED = sorted(manifests.SHIPPED.glob("*.yaml"))


def manifest(side: manifests.Side, plugin: str) -> Manifest:
    found = plugin_manifest(side, plugin)
    assert found is not None
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_every_manifest_that_ships_can_be_read_and_says_how_it_was_checked(path: Path) -> None:
    found = read_manifest(path)
    assert found.name == path.stem
    assert found.verified.split(":")[0] in ("real", "simulator", "reference")
    assert found.qos.enforced in (Enforcer.NOBODY, Enforcer.HYPERVISOR) or found.qos.figures


def test_solidfire_keeps_total_iops_and_gives_every_volume_some() -> None:
    """R12, R13: it isolates volumes, and it bursts. Its default is to be observed: none is stated."""
    found = manifest("driver", "solidfire")
    assert found.qos.figures == {
        ("iops", "total", "floor"): Range(50, 15_000),
        ("iops", "total", "ceiling"): Range(50, 200_000),
        ("iops", "total", "burst"): Range(50, 200_000),
    }
    assert (found.qos.enforced, found.qos.always, found.qos.isolation) == (Enforcer.STORAGE, True, True)
    assert (found.size.least, found.size.step) == (10**9, 10**6)
    assert not found.qos.default


def test_tgt_local_and_nfs_sell_no_qos() -> None:
    """R02: what no manifest covers is refused, never silently ignored."""
    for name in ("tgt", "local", "nfs"):
        found = manifest("driver", name)
        assert not found.qos.figures
        assert found.qos.enforced is Enforcer.NOBODY
    assert manifest("driver", "nfs").protocols == {"nfs"}


def test_qemu_throttles_reads_and_writes_but_promises_nothing() -> None:
    qos = manifest("agent", "qemu").qos
    assert qos.enforced is Enforcer.HYPERVISOR
    assert len(qos.figures) == 12
    assert not qos.sells_floors()
    assert qos.io_size_bytes == 4096


def test_drivers_and_agents_are_told_apart() -> None:
    assert plugin_manifest("driver", "qemu") is None
    assert plugin_manifest("agent", "tgt") is None
    assert {"local", "nfs", "solidfire", "tgt"} <= set(plugin_names("driver"))
    assert "qemu" in plugin_names("agent")


PLUGIN = "version: 1\ndriver: acme\nverified: {kind: real, against: Acme OS 3}\nqos: {enforced: nobody}\n"


@pytest.mark.parametrize("beside", [True, False], ids=["beside the module", "named by the class"])
def test_another_packages_driver_brings_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    """R01: no list of drivers is kept anywhere."""
    elsewhere = tmp_path / "elsewhere.yaml"
    module = f"acme_{'beside' if beside else 'named'}"
    (tmp_path / f"{module}.py").write_text(f"class Driver:\n    MANIFEST = {str(elsewhere)!r}\n")
    (tmp_path / "manifest.yaml" if beside else elsewhere).write_text(PLUGIN)
    installed = EntryPoint("acme", f"{module}:Driver", "allocator.drivers")
    monkeypatch.setattr(manifests, "entry_points", lambda group, name="acme": [installed] if name == "acme" else [])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    plugin_manifest.cache_clear()
    try:
        assert manifest("driver", "acme").verified == "real: Acme OS 3"
        assert "acme" in plugin_names("driver")
        assert (module in sys.modules) is not beside
    finally:
        plugin_manifest.cache_clear()
        sys.modules.pop(module, None)


def test_a_plugin_without_manifest_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = EntryPoint("broken", "no_such_module:Driver", "allocator.drivers")
    monkeypatch.setattr(manifests, "entry_points", lambda group, name="": [installed] if name == "broken" else [])
    with pytest.raises(DocumentError, match=r"plug-in broken \(no_such_module:Driver\) has no manifest.* Maybe"):
        plugin_manifest("driver", "broken")


def solidfire(narrowing: dict[str, Any]) -> Manifest:
    drivers = {"sf": {"driver": "solidfire", "manifest": narrowing}}
    return build({"version": 1, "drivers": drivers}, Policy()).inventory.drivers["sf"].manifest


def test_an_instance_narrows_its_manifest() -> None:
    floors = {"iops": {"total": {"floor": {"most": 5000, "step": 50}}}}
    found = solidfire({"size": {"most": "1TB"}, "details": {}, "qos": {"figures": floors, "isolation": False}})
    assert found.qos.figures == {("iops", "total", "floor"): Range(50, 5000, 50)}
    assert (found.size.least, found.size.most, found.size.step) == (10**9, 10**12, 10**6)
    assert (found.details, found.qos.isolation) == ({}, False)
    assert (found.name, found.qos.always) == ("solidfire", True)


WIDER: dict[str, tuple[dict[str, Any], str]] = {
    "a smaller size": ({"size": {"least": "1MB"}}, "size.least"),
    "a finer step": ({"size": {"step": 512}}, "size.step"),
    "another way of provisioning": ({"provisioning": ["thin", "thick"]}, "provisioning"),
    "encryption": ({"encryption": True}, "encryption"),
    "several hosts": ({"multi_attach": True}, "multi_attach"),
    "another protocol": ({"protocols": ["nbd"]}, "protocols"),
    "a larger floor": ({"qos": {"figures": {"iops": {"total": {"floor": {"most": 15001}}}}}}, "floor.most"),
    "a smaller floor": ({"qos": {"figures": {"iops": {"total": {"floor": {"least": 49}}}}}}, "floor.least"),
    "another figure": (
        {"qos": {"figures": {"bandwidth": {"total": {"ceiling": {}}}}}},
        "bandwidth.total.ceiling",
    ),
    "a longer burst": ({"qos": {"burst_seconds": {"most": 61}}}, "qos.burst_seconds.most"),
    "promises on a shared LUN": ({"qos": {"unmanaged": True}}, "qos.unmanaged"),
    "another detail": ({"details": {"tier": {"type": "string"}}}, "details.tier"),
    "another type of detail": ({"details": {"enable512e": {"type": "integer"}}}, "details.enable512e"),
}


@pytest.mark.parametrize(("narrowing", "key"), WIDER.values(), ids=WIDER.keys())
def test_an_instance_never_widens_its_manifest(narrowing: dict[str, Any], key: str) -> None:
    with pytest.raises(DocumentError, match=r"narrow its manifest, never widen it\. Maybe") as caught:
        solidfire(narrowing)
    assert caught.value.key.startswith("drivers.sf.manifest.")
    assert caught.value.key.endswith(key)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "version: 1\nverified: {kind: real, against: x}\n",
            ": It is the manifest of one driver or one agent.",
        ),
        (PLUGIN + "size: {leest: 1}\n", ":5: size.leest: There is no such key."),
        (PLUGIN + "size: {least: 2, most: 1}\n", ":5: size: From 2 to 1 is nothing."),
        (PLUGIN.replace("real", "true"), ":3: verified.kind: true is none of"),
    ],
)
def test_a_bad_manifest_is_told_with_file_line_and_key(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    with pytest.raises(DocumentError) as caught:
        read_manifest(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)
