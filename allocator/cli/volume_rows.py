"""Volumes and offerings as `list` shows them: where each lies, its QoS, its vendor details (R15)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from allocator import Allocator
from allocator.cli import show
from allocator.cli.figures import qos_json, qos_text, wish_json, wish_text
from allocator.documents.writing import percent
from allocator.domain.placement import Volume
from allocator.domain.request import Details, Offering
from allocator.domain.sizes import format_bytes

if TYPE_CHECKING:
    from allocator.ledger import StoredVolume


def volume_rows(allocator: Allocator) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Cells and data of each volume, with what the ledger knows of it."""
    stored = {} if allocator.ledger is None else {known.name: known for known in allocator.ledger.volumes()}
    for volume in allocator.inventory.all_volumes():
        request, way, known = volume.request, volume.alternative, stored.get(volume.name)
        state = "foreign" if volume.foreign else "" if known is None else known.shown_state
        cells = [volume.name, state, volume.pool, ", ".join(volume.hosts), format_bytes(request.size_bytes)]
        asked = [request.offering or "", request.vm or "", request.tenant or ""]
        yield (
            [*cells, qos_text(way.kind, way.qos), *asked, _details(request.details)],
            _volume_json(volume, state) | _stored_json(known),
        )


def offering_rows(allocator: Allocator) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Cells and data of each offering."""
    for offering in allocator.inventory.offerings.values():
        tags = [", ".join(sorted(offering.tags)), ", ".join(sorted(offering.host_tags))]
        wishes = "; ".join(wish_text(wish) for wish in offering.qos)
        cells = [offering.name, *tags, wishes, offering.provisioning or "", _details(offering.details)]
        yield cells, _offering_json(offering)


def _volume_json(volume: Volume, state: str) -> dict[str, Any]:
    request, way = volume.request, volume.alternative
    return {
        "name": volume.name,
        "state": state or None,
        "pool": volume.pool,
        "hosts": list(volume.hosts),
        "size_bytes": request.size_bytes,
        "qos": {"kind": str(way.kind), "alternative": volume.asked.index, "figures": qos_json(way.qos)},
        "offering": request.offering,
        "vm": request.vm,
        "tenant": request.tenant,
        "details": _groups(request.details),
    }


def _stored_json(known: StoredVolume | None) -> dict[str, Any]:
    """What only a ledger knows; the URIs hold no secrets."""
    if known is None:
        return {"volume_id": None, "native_id": None, "plan": None, "reached": []}
    devices = {attached.host: attached.device for attached in known.attachments}
    reached = [{"host": g.host, "uri": g.uri, "device": devices.get(g.host)} for g in known.access]
    return {"volume_id": known.volume_id, "native_id": known.native_id, "plan": known.plan, "reached": reached}


def _offering_json(offering: Offering) -> dict[str, Any]:
    return {
        "name": offering.name,
        "tags": sorted(offering.tags),
        "forbid_tags": sorted(offering.forbid_tags),
        "preferred_tags": sorted(offering.preferred_tags),
        "host_tags": sorted(offering.host_tags),
        "qos": [wish_json(wish) for wish in offering.qos],
        "provisioning": offering.provisioning,
        "encrypted": offering.encrypted,
        "dedicated": offering.dedicated,
        "snapshot_reserve": percent(offering.snapshot_reserve),
        "details": _groups(offering.details),
    }


def _details(details: Details) -> str:
    return "; ".join(f"{driver}: {show.pairs(keys)}" for driver, keys in _groups(details).items())


def _groups(details: Details) -> dict[str, dict[str, Any]]:
    return {driver: dict(keys) for driver, keys in details}
