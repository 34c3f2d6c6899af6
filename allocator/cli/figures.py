"""QoS in words and as data: who keeps it, and every figure that is stated."""

from __future__ import annotations

from typing import Any

from allocator.domain.phrases import phrases
from allocator.domain.qos import Kind, Qos, QosWish


def qos_text(kind: Kind, qos: Qos) -> str:
    """`provisioned, min 5,000 max 9,000 IOPS`; empty where nothing was asked."""
    return "" if kind is Kind.NONE else ", ".join([str(kind), *phrases(qos)])


def wish_text(wish: QosWish) -> str:
    """The same of what an offering states, figures per GiB among it."""
    return ", ".join([str(wish.kind), *phrases(wish.qos), *(f"{words} per GiB" for words in phrases(wish.per_gib))])


def qos_json(qos: Qos) -> dict[str, Any]:
    """`{iops: {total: {floor, ceiling, burst}}, bandwidth: {...}, burst_seconds, io_size_bytes}`; bytes per second."""
    found: dict[str, Any] = {}
    for unit, direction, field, value in qos.asked():
        found.setdefault(unit, {}).setdefault(direction, {})[field] = value
    return found | {"burst_seconds": qos.burst_seconds(), "io_size_bytes": qos.io_size_bytes}


def wish_json(wish: QosWish) -> dict[str, Any]:
    """One alternative of an offering."""
    return {"kind": str(wish.kind), "figures": qos_json(wish.qos), "per_gib": qos_json(wish.per_gib)}
