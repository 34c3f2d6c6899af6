"""All that differs between what the ledger says and what devices show; nothing is asked and nothing changed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from allocator.documents import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.qos import alternatives
from allocator.domain.request import Request
from allocator.driver import ObservedVolume
from allocator.execution.look import OnPool, Seen
from allocator.execution.observe import stranger
from allocator.ledger.records import Document
from allocator.planning.mending import Mend
from allocator.reconcile.difference import Condemned, Difference
from allocator.reconcile.findings import Finding
from allocator.reconcile.records import Records
from allocator.reconcile.volumes import Compared


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ledger and devices side by side."""

    inventory: Inventory
    records: Records
    seen: Seen

    def differences(self) -> list[Difference]:
        """Devices that did not answer, volumes that nobody holds, then volume by volume in order of names."""
        found = [*self._unreachable(), *self._foreign(), *self._orphans(), *self._twice()]
        agents = {name: host.agent for name, host in self.inventory.hosts.items()}
        for stored in self.records.steady:
            volume, pool = self.inventory.find(stored.name), self.inventory.pools.get(stored.pool)
            answered = not isinstance(self.seen.pools.get(stored.pool, ""), str)
            if volume is not None and pool is not None and answered:
                found += Compared(stored, volume, pool, agents).differences(self.seen, self.records)
        return found

    def strangers(self) -> Mapping[str, tuple[Document, ...]]:
        """The volumes of others as they are to be counted (R07), by pool; of those pools that answered."""
        return {
            name: tuple(
                sorted(
                    (volume_document(stranger(self.inventory.pools[name], one)) for one in self._others(shown)),
                    key=lambda document: str(document["name"]),
                )
            )
            for name, shown in _answers(self.seen)
        }

    def _others(self, shown: OnPool) -> Iterator[ObservedVolume]:
        ours = {*self.records.known, *self.records.origins}
        return (one for one in shown.volumes if not one.ours or one.handle.volume_id not in ours)

    def _unreachable(self) -> Iterator[Difference]:
        for places in (self.seen.pools, self.seen.hosts):
            for name, answer in places.items():
                if isinstance(answer, str):
                    maybe = "Maybe reconcile again when it can be reached."
                    finding = Finding("unreachable", name, name, "the ledger is not compared", answer, maybe, False)
                    yield Difference(finding)

    def _foreign(self) -> Iterator[Difference]:
        for name, there in self.strangers().items():
            counted = self.records.foreign.get(name, ())
            if there != counted:
                says = f"the ledger counts {_count(counted)} of others"
                finding = Finding("foreign", name, name, says, f"{name} shows {_count(there)}", "Maybe count them.")
                yield Difference(finding)

    def _orphans(self) -> Iterator[Difference]:
        """What this ledger made and lost. It is deleted only where nobody uses it, and where the ledger knows that it
        was made: one that was restored from an old copy knows less than the devices.
        """
        for identity, origin in self.records.strays():
            there, hosts = self.seen.ours.get(identity, {}), tuple(self.seen.attached.get(identity, ()))
            used = bool(hosts) or any(one.sessions for one in there.values())
            if not origin.begun:
                maybe = "Maybe the ledger was restored from an old copy: restore a newer one, or delete it by hand."
            elif used:
                maybe = "Maybe the ledger was restored from an old copy; else detach it, and it can be deleted."
            elif len(there) > 1:
                maybe = "Maybe two pools are one device; if not, delete it on one of them by hand."
            else:
                maybe = "Maybe delete it."
            made, rest = (
                (", which is over, made it", "") if origin.begun else (" is to make it", "; nothing says it began")
            )
            says = f"the ledger does not hold it; plan {origin.plan}{made} for {origin.name}{rest}"
            shows = f"{' and '.join((*there, *hosts))} show{'s' if len(there) + len(hosts) == 1 else ''} it"
            safe, place = origin.begun and not used and len(there) == 1, next(iter((*there, *hosts)))
            finding = Finding("orphan", place, identity, says, f"{shows}, in use" if used else shows, maybe, safe)
            yield self._condemned(finding, there[place]) if safe else Difference(finding)

    def _condemned(self, orphan: Finding, seen: ObservedVolume) -> Difference:
        """Its deletion; until then it counts with its size, under its id as a name."""
        size_bytes = max(seen.size_bytes, 1)
        request = Request(orphan.subject, size_bytes, alternatives((), size_bytes))
        volume = Volume.on(self.inventory.pools[orphan.place], request, request.alternatives[0])
        condemned = Condemned(orphan.subject, orphan.subject, orphan.place, volume_document(volume))
        return Difference(orphan, Mend(orphan.subject, orphan.place, delete=True), condemned)

    def _twice(self) -> Iterator[Difference]:
        """Two volumes that the ledger says are one on the device."""
        claims: dict[tuple[str, str], list[str]] = defaultdict(list)
        for stored in self.records.steady:
            if stored.native_id is not None:
                claims[stored.pool, stored.native_id].append(stored.name)
        for (pool, native_id), names in claims.items():
            if len(names) > 1:
                says = f"the ledger says that {' and '.join(names)} are {native_id}"
                maybe = "Maybe look which of them it is, and delete the other."
                finding = Finding("claimed", pool, names[0], says, f"{pool} has one volume of that name", maybe, False)
                yield Difference(finding)


def _answers(seen: Seen) -> Iterator[tuple[str, OnPool]]:
    for name, answer in seen.pools.items():
        if not isinstance(answer, str):
            yield name, answer


def _count(volumes: Sequence[object]) -> str:
    return f"{len(volumes):,} volume{'' if len(volumes) == 1 else 's'}"
