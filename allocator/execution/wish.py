"""What a driver is asked to make of a volume, and whether that is what there is."""

from __future__ import annotations

from allocator.domain.charging import is_thick, made_bytes
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.qos import Qos
from allocator.driver import ObservedVolume, VolumeWish


def wish_of(volume: Volume, volume_id: str, pool: Pool) -> VolumeWish:
    """The wish for one volume: QoS only where the storage is who enforces it (R09), and the details meant for
    this driver only (R14)."""
    return VolumeWish(
        volume_id=volume_id,
        pool=pool.name,
        size_bytes=made_bytes(volume.request, pool),
        thick=is_thick(volume.request, pool),
        qos=volume.alternative.qos if volume.alternative.by_storage else Qos(),
        details=volume.request.details_for(pool.manifest.name),
    )


def is_met(wish: VolumeWish, seen: ObservedVolume) -> bool:
    """True where a volume is as large as wished, with the QoS wished: one half made is neither."""
    return seen.size_bytes >= wish.size_bytes and (not wish.qos or seen.qos == wish.qos)
