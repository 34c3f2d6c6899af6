"""Drivers and agents as instances: an entry point with its settings, and the manifest it has there."""

from __future__ import annotations

from collections.abc import Mapping

from allocator.documents.errors import Path
from allocator.documents.manifest_form import Narrowing
from allocator.documents.manifests import Side, plugin_manifest, unknown_plugin
from allocator.documents.narrowing import narrowed
from allocator.documents.secret_refs import Config
from allocator.documents.words import Entry, Name
from allocator.domain.places import Connection


class DriverEntry(Entry):
    """An instance of a storage driver."""

    driver: Name
    """The name of an installed entry point, never an import path."""
    config: Config | None = None
    """What the driver is constructed with. A secret is {env: ALLOCATOR_SECRET_...} or {file: /path}."""
    manifest: Narrowing | None = None
    """What this instance can do less than its driver."""


class AgentEntry(Entry):
    """An instance of a hypervisor agent."""

    agent: Name
    """The name of an installed entry point, never an import path."""
    config: Config | None = None
    """What the agent is constructed with. A secret is {env: ALLOCATOR_SECRET_...} or {file: /path}."""
    manifest: Narrowing | None = None
    """What this instance can do less than its agent."""


def drivers(entries: Mapping[str, DriverEntry]) -> dict[str, Connection]:
    """Raises DocumentError for a driver that is not installed, or a manifest that is widened."""
    return {name: _connection("driver", name, entry.driver, entry) for name, entry in sorted(entries.items())}


def agents(entries: Mapping[str, AgentEntry]) -> dict[str, Connection]:
    """Raises DocumentError for an agent that is not installed, or a manifest that is widened."""
    return {name: _connection("agent", name, entry.agent, entry) for name, entry in sorted(entries.items())}


def _connection(side: Side, name: str, plugin: str, entry: DriverEntry | AgentEntry) -> Connection:
    path: Path = (f"{side}s", name)
    manifest = plugin_manifest(side, plugin)
    if manifest is None:
        raise unknown_plugin(side, plugin, (*path, side))
    return Connection(name, plugin, entry.config or {}, narrowed(manifest, entry.manifest, (*path, "manifest")))
