"""Volumes of a ledger, read back: what was read once is not read again for another name and another place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from allocator.documents.build import World
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.qos import Alternative
from allocator.domain.request import Request

OWN: Final = frozenset({"name", "pool", "hosts", "vm"})
"""What volumes by one wish differ in."""
SPECIAL: Final = frozenset({"foreign", "has", "host", "moving_to"})
"""With one of these a document is always read."""
MOST: Final = 10_000
"""Wishes that are remembered; beyond it all are forgotten and read anew."""


class Recall:
    """Reads documents that were checked when they were written: nobody else's, which `World.hold` reads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[str, tuple[Request, Alternative]] = {}

    def volumes(self, documents: Iterable[Mapping[str, Any]], inventory: Inventory) -> tuple[Volume, ...]:
        """As `World.hold`, in the order given. Raises DocumentError for a place that is not there."""
        listed = list(documents)
        wishes = [_wish(document) for document in listed]
        found = [self._volume(*pair, inventory) for pair in zip(listed, wishes, strict=True)]
        unread = [number for number, volume in enumerate(found) if volume is None]
        read = self._world.hold([listed[number] for number in unread], inventory) if unread else ()
        for number, volume in zip(unread, read, strict=True):
            found[number] = volume
            wish = wishes[number]
            if wish is not None:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[wish] = volume.request, volume.asked
        return tuple(volume for volume in found if volume is not None)

    def _volume(self, document: Mapping[str, Any], wish: str | None, inventory: Inventory) -> Volume | None:
        """None: it has to be read, or found wrong."""
        known = None if wish is None else self._known.get(wish)
        pool, hosts, vm = inventory.pools.get(document["pool"]), document.get("hosts", ()), document.get("vm")
        # What the documents say of a VM by name goes into the requests of that VM alone.
        if known is None or pool is None or vm in self._world.holding.asking.vms:
            return None
        if not all(host in inventory.hosts for host in hosts):
            return None
        request, asked = known
        return Volume.on(pool, replace(request, name=document["name"], vm=vm), asked, tuple(hosts))


def _wish(document: Mapping[str, Any]) -> str | None:
    """What it says beside its own; None where that is not all."""
    if not SPECIAL.isdisjoint(document):
        return None
    return json.dumps({key: value for key, value in document.items() if key not in OWN}, sort_keys=True)
