"""Volumes as documents: what plans embed and the ledger stores, read back through the `volumes` section."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from allocator.documents.qos import QosEntry
from allocator.documents.qos_keys import Figure, keys_of
from allocator.domain.placement import Volume
from allocator.domain.qos import DEFAULT_IO_SIZE_BYTES, Alternative, Kind, Qos, QosWish, alternatives
from allocator.domain.request import Apart, Near


def volume_document(volume: Volume) -> dict[str, Any]:
    """The volume as an entry of the `volumes` section, of str, int, bool, lists and dicts only.

    It states all that was asked for, so that reading it gives an equal request and alternative even if its
    offering has changed since. Raises ValueError for QoS that no document can state.
    """
    request = volume.request
    pins = {key: pin for key, pin in (("pool", request.pool), ("host", request.host)) if pin is not None}
    optional: dict[str, Any] = {
        "offering": request.offering,
        "vm": request.vm,
        "tenant": request.tenant,
        "cluster": request.cluster,
        "zone": request.zone,
        "group": request.group,
        "apart": _apart(request.apart) if request.apart else None,
        "near": _near(request.near) if request.near else None,
        "also": [{"near": _near(w)} if isinstance(w, Near) else {"apart": _apart(w)} for w in request.also] or None,
        "move_cost": request.move_cost or None,
        "resources": dict(request.resources) or None,
        "host_resources": dict(request.host_resources) or None,
        "vm_resources": dict(request.vm_resources) or None,
        "hosts": list(volume.hosts) or None,
        "pinned": pins or None,
        "has": None if volume.asked in request.alternatives else _qos(volume.asked.kind, volume.asked.qos),
        "foreign": volume.foreign or None,
        "moving_to": _moving(volume),
    }
    return {
        "name": request.name,
        "pool": volume.pool,
        "size": request.size_bytes,
        "priority": request.priority,
        "tags": sorted(request.tags),
        "forbid_tags": sorted(request.forbid_tags),
        "preferred_tags": sorted(request.preferred_tags),
        "host_tags": sorted(request.host_tags),
        "qos": _asked(request.alternatives),
        "alternative": volume.asked.index,
        "provisioning": request.provisioning or "any",
        "encrypted": request.encrypted,
        "dedicated": request.dedicated,
        "snapshot_reserve": percent(request.snapshot_reserve),
        "details": {driver: dict(keys) for driver, keys in request.details},
        **{key: value for key, value in optional.items() if value is not None},
    }


@lru_cache(maxsize=4096)
def percent(share: Fraction) -> str:
    """An exact share as text: `12.5%`. Raises ValueError for one that has no end in decimals, such as 1/3."""
    with localcontext(prec=60):
        number = Decimal(share.numerator * 100) / Decimal(share.denominator)
    if Fraction(number) != share * 100:
        raise ValueError(f"{share} has no end in decimals. Maybe it was not read from a document.")
    return f"{number.normalize():f}%"


def _moving(volume: Volume) -> dict[str, Any] | None:
    then = volume.moving_to
    if then is None:
        return None
    other = {} if then.asked == volume.asked else {"alternative": then.asked.index}
    return {"pool": then.pool, **other}


def _asked(ways: tuple[Alternative, ...]) -> list[dict[str, Any]]:
    return [_qos(wish.kind, wish.qos) for wish in _wishes(ways)]


@lru_cache(maxsize=4096)
def _wishes(ways: tuple[Alternative, ...]) -> tuple[QosWish, ...]:
    """The wishes that these alternatives are the expansion of: a limit stands for two."""
    wishes: list[QosWish] = []
    twin = False
    for way in ways:
        if not twin and way.kind is not Kind.NONE:
            wishes.append(QosWish(way.kind, way.qos))
        twin = way.kind is Kind.LIMIT
    if alternatives(tuple(wishes), size_bytes=1) != ways:
        raise ValueError("These alternatives are no list of wishes. Maybe no document stated them.")
    return tuple(wishes)


def _qos(kind: Kind, qos: Qos) -> dict[str, Any]:
    """One entry under `qos`; empty where nothing is asked."""
    return {} if kind is Kind.NONE else {str(kind): dict(_group(kind, qos))}


@lru_cache(maxsize=4096)
def _group(kind: Kind, qos: Qos) -> tuple[tuple[str, int], ...]:
    keys = {figure: key for key, figure in keys_of(kind).items()}
    group = {keys.get(Figure(unit, way, part), part): value for unit, way, part, value in qos.asked()}
    seconds = qos.burst_seconds()
    if seconds is not None:
        group["burst_seconds"] = seconds
    if qos.io_size_bytes != DEFAULT_IO_SIZE_BYTES:
        group["io_size"] = qos.io_size_bytes
    with suppress(ValidationError):
        wish = QosEntry.model_validate({str(kind): group}).wish()
        if wish is not None and wish.qos == qos:
            return tuple(group.items())
    raise ValueError(f"No document can state {group} as {kind}. Maybe it was not read from one.")


def _near(near: Near) -> dict[str, Any]:
    return {"group": near.group, "over": near.over}


def _apart(apart: Apart) -> dict[str, Any]:
    stated = {"over": apart.over, "max_per_domain": apart.max_per_domain, "min_domains": apart.min_domains}
    return {key: value for key, value in stated.items() if value is not None}
