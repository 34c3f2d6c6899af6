"""Finding and reading the manifests of drivers and agents, by the name of their entry point."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path as FilePath
from typing import Final, Literal

from pydantic import ValidationError

from allocator.documents.complaints import complaint
from allocator.documents.errors import DocumentError, Path, nearest, shown
from allocator.documents.manifest_form import ManifestEntry, QosSupportEntry
from allocator.documents.narrowing import figures_within, range_within
from allocator.documents.sources import Source, locate
from allocator.domain.manifest import DetailKey, Manifest, QosSupport, Range, SizeSupport
from allocator.domain.qos import Enforcer, Kind, Qos

Side = Literal["driver", "agent"]

SHIPPED: Final = FilePath(__file__).parents[2] / "drivers" / "manifests"
"""The same place in a source checkout and in an installed wheel."""


@lru_cache(maxsize=256)
def plugin_manifest(side: Side, plugin: str) -> Manifest | None:
    """The manifest of a driver or agent; None where there is none of that name. Kept once read.

    What ships is known by its manifest alone, so that a decision from documents loads no driver; for another
    package's plug-in it is `manifest.yaml` beside its module, or the file its class names in `MANIFEST`.
    Raises DocumentError for a manifest that cannot be read.
    """
    if plugin in _shipped(side):
        return read_manifest(SHIPPED / f"{plugin}.yaml")
    for entry_point in entry_points(group=f"allocator.{side}s", name=plugin):
        return read_manifest(_brought(entry_point))
    return None


def plugin_names(side: Side) -> list[str]:
    """The drivers or agents that ship or are installed."""
    return sorted({*_shipped(side), *(found.name for found in entry_points(group=f"allocator.{side}s"))})


def unknown_plugin(side: Side, plugin: str, path: Path) -> DocumentError:
    """The error for a name that no driver or agent has."""
    other: Side = "agent" if side == "driver" else "driver"
    names = plugin_names(side)
    hint = nearest(plugin, names, f"Maybe one of {', '.join(names)}.")
    if plugin in plugin_names(other):
        hint = f"Maybe put it under {other}s."
    return DocumentError(f"There is no {side} named {shown(plugin)}.", hint, path)


def read_manifest(path: FilePath) -> Manifest:
    """A manifest's YAML. Raises DocumentError with file, line and key."""
    source = Source.of_file(path)
    try:
        return _manifest(ManifestEntry.model_validate(source.data))
    except ValidationError as error:
        wrong = complaint(error, source.data)
    except DocumentError as error:
        wrong = error
    locate(wrong, [source])
    raise wrong


@cache
def _shipped(side: Side) -> frozenset[str]:
    read = {path.stem: Source.of_file(path).data for path in SHIPPED.glob("*.yaml")}
    return frozenset(name for name, data in read.items() if data.get(side) == name)


def _brought(entry_point: EntryPoint) -> FilePath:
    try:
        spec = find_spec(entry_point.module)
        beside = FilePath(spec.origin).with_name("manifest.yaml") if spec and spec.origin else None
        if beside is not None and beside.is_file():
            return beside
        return FilePath(entry_point.load().MANIFEST)
    except Exception as error:
        raise DocumentError(
            f"The plug-in {entry_point.name} ({entry_point.value}) has no manifest: {type(error).__name__}.",
            "Maybe put `manifest.yaml` beside its module.",
        ) from error


def _manifest(entry: ManifestEntry) -> Manifest:
    if (entry.driver is None) == (entry.agent is None):
        raise DocumentError("It is the manifest of one driver or one agent.", "Maybe add `driver: NAME`.")
    size = range_within(entry.size, Range(least=1), ("size",))
    return Manifest(
        name=entry.driver or entry.agent or "",
        verified=f"{entry.verified.kind}: {entry.verified.against}",
        size=SizeSupport(size.least, size.most, size.step),
        provisioning=frozenset(entry.provisioning or ["thin"]),
        encryption=bool(entry.encryption),
        multi_attach=bool(entry.multi_attach),
        qos=_qos_support(entry.qos),
        protocols=frozenset(entry.protocols or []),
        identities=frozenset(entry.identities or []),
        details={
            key: DetailKey(found.type, tuple(found.choices or ())) for key, found in (entry.details or {}).items()
        },
        parallel_calls=entry.parallel_calls,
    )


def _qos_support(entry: QosSupportEntry | None) -> QosSupport:
    if entry is None:
        return QosSupport()
    return QosSupport(
        enforced=Enforcer(entry.enforced),
        always=entry.always,
        isolation=bool(entry.isolation),
        unmanaged=bool(entry.unmanaged),
        floor_without_ceiling=entry.floor_without_ceiling is not False,
        io_size_bytes=entry.io_size,
        figures=figures_within(entry.figures, None, ("qos", "figures")) if entry.figures else {},
        burst_seconds=range_within(entry.burst_seconds, Range(), ("qos", "burst_seconds"))
        if entry.burst_seconds
        else None,
        default=entry.default.wish(Kind.NONE).qos if entry.default else Qos(),
    )
