"""`drivers` and `schema`: what can be plugged in and what can be written, whatever fleet there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from typing import Any

from allocator.cli import show
from allocator.cli.codes import DONE
from allocator.cli.figures import qos_json
from allocator.documents import json_schema
from allocator.documents.manifests import Side, plugin_manifest, plugin_names
from allocator.domain.manifest import Manifest, QosSupport
from allocator.domain.phrases import WORDS
from allocator.domain.qos import Direction, Unit
from allocator.domain.sizes import format_bytes


def show_schema() -> int:
    """The JSON Schema of documents."""
    show.data(json_schema())
    return DONE


def show_plugins(*, as_json: bool) -> int:
    """Every driver and agent with its manifest (R01). Raises DocumentError for a manifest that cannot be read."""
    found = list(_plugins())
    if as_json:
        show.data({"version": 1, "plugins": [_json(plugin) for plugin in found]})
    else:
        headings = ["NAME", "KIND", "RUNS", "QOS BY", "FIGURES", "SIZES", "VOLUMES", "PROTOCOLS", "KEYS", "CHECKED"]
        show.table(headings, [_row(plugin) for plugin in found])
    return DONE


@dataclass(frozen=True, slots=True)
class Plugin:
    """A driver or an agent; one that is not installed is a manifest for decisions alone."""

    side: Side
    manifest: Manifest
    installed: bool


def _plugins() -> Iterator[Plugin]:
    sides: tuple[Side, ...] = ("driver", "agent")
    for side in sides:
        installed = {point.name for point in entry_points(group=f"allocator.{side}s")}
        for name in plugin_names(side):
            manifest = plugin_manifest(side, name)
            if manifest is not None:
                yield Plugin(side, manifest, name in installed)


def _row(plugin: Plugin) -> list[str]:
    manifest, size, driver = plugin.manifest, plugin.manifest.size, plugin.side == "driver"
    sizes = f"from {format_bytes(size.least)}" + (f" to {format_bytes(size.most)}" if size.most is not None else "")
    steps = f", in steps of {format_bytes(size.step)}" if size.step > 1 else ""
    return [
        manifest.name,
        plugin.side,
        "yes" if plugin.installed else "decisions only",
        str(manifest.qos.enforced) + (", always" if manifest.qos.always else ""),
        _figures(manifest.qos),
        sizes + steps if driver else "",
        ", ".join(_volumes(manifest)) if driver else "",
        ", ".join(sorted(manifest.protocols)),
        ", ".join(sorted(manifest.details)),
        manifest.verified,
    ]


def _figures(qos: QosSupport) -> str:
    """`min, max, burst IOPS; max, burst total/read/write bandwidth`."""
    fields: dict[tuple[Unit, Direction], list[str]] = {}
    for unit, direction, field in qos.figures:
        fields.setdefault((unit, direction), []).append(WORDS[field])
    sides: dict[tuple[Unit, str], list[str]] = {}
    for (unit, direction), words in fields.items():
        sides.setdefault((unit, ", ".join(words)), []).append(direction)
    return "; ".join(
        " ".join([words, *(["/".join(side)] if side != ["total"] else []), "IOPS" if unit == "iops" else unit])
        for (unit, words), side in sides.items()
    )


def _volumes(manifest: Manifest) -> Iterator[str]:
    yield from sorted(manifest.provisioning)
    if manifest.encryption:
        yield "encrypted"
    if manifest.multi_attach:
        yield "several hosts"


def _json(plugin: Plugin) -> dict[str, Any]:
    manifest = plugin.manifest
    return {
        "name": manifest.name,
        "side": plugin.side,
        "installed": plugin.installed,
        "verified": manifest.verified,
        "size": asdict(manifest.size),
        "provisioning": sorted(manifest.provisioning),
        "encryption": manifest.encryption,
        "multi_attach": manifest.multi_attach,
        "protocols": sorted(manifest.protocols),
        "identities": sorted(manifest.identities),
        "qos": _qos_json(manifest.qos),
        "details": {key: {"type": k.type, "choices": list(k.choices)} for key, k in sorted(manifest.details.items())},
    }


def _qos_json(qos: QosSupport) -> dict[str, Any]:
    return {
        "enforced": str(qos.enforced),
        "always": qos.always,
        "isolation": qos.isolation,
        "unmanaged": qos.unmanaged,
        "floor_without_ceiling": qos.floor_without_ceiling,
        "io_size_bytes": qos.io_size_bytes,
        "figures": [
            {"unit": unit, "direction": direction, "field": field, **asdict(span)}
            for (unit, direction, field), span in qos.figures.items()
        ],
        "burst_seconds": None if qos.burst_seconds is None else asdict(qos.burst_seconds),
        "default": qos_json(qos.default),
    }
