"""One volume of the ledger held against its pool and the hosts: grants, attachments, size and QoS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from allocator.domain.phrases import phrases
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.qos import Enforcer, Qos
from allocator.driver import ObservedVolume
from allocator.execution.identities import missing, unheld
from allocator.execution.look import Seen
from allocator.execution.wish import wish_of
from allocator.ledger import StoredVolume
from allocator.planning.mending import Mend
from allocator.reconcile.difference import Condemned, Difference, differ
from allocator.reconcile.findings import Finding, Kind
from allocator.reconcile.records import Records

HALF_MADE = ("reserved", "creating", "deleting")


@dataclass(frozen=True, slots=True)
class Compared:
    """A volume as the ledger holds it, on a pool that answered."""

    stored: StoredVolume
    volume: Volume
    pool: Pool
    agents: Mapping[str, str | None]
    """Of each host. Several hosts may share one, which then shows the devices of all of them."""

    def differences(self, seen: Seen, records: Records) -> Iterator[Difference]:
        """All that differs about it. A half-made volume is not compared further, nor is one that is gone."""
        stored = self.stored
        if stored.state in HALF_MADE:
            yield self._leftover(seen)
            return
        if stored.plan in records.over:
            says = f"binds it to plan {stored.plan}, which is over"
            yield self._found("bound", says, "no device is concerned", "Maybe let go of it.")
        yield from self._elsewhere(seen)
        here = seen.ours.get(stored.volume_id, {}).get(stored.pool)
        if here is None:
            if stored.gone_at is None:
                maybe = "Maybe mark it as gone; it stays charged until it is deleted."
                yield self._found("gone", "has it", f"{stored.pool} does not show it", maybe)
            return
        if stored.gone_at is not None:
            yield self._found("back", "marks it as gone", f"{stored.pool} shows it", "Maybe take the mark away.")
        yield from self._grants(here)
        yield from self._made(here)
        yield from self._attachments(seen)

    def _leftover(self, seen: Seen) -> Difference:
        """What nobody goes on with. Something half-made that is in use all the same is left alone."""
        stored = self.stored
        here, hosts = seen.ours.get(stored.volume_id, {}).get(stored.pool), seen.attached.get(stored.device, {})
        used = stored.state != "deleting" and bool(hosts or (here is not None and here.sessions))
        says = f"holds it as {stored.state}, and no plan goes on with it"
        shows = f"{stored.pool} {'does not show' if here is None else 'shows'} it"
        if used:
            maybe = "Maybe the ledger was restored from an old copy; else detach it, and it can be deleted."
            return self._found("leftover", says, f"{shows}, in use", maybe, mends=False)
        return self._found(
            "leftover",
            says,
            shows,
            "Maybe delete what there is of it and release what it holds.",
            mend=Mend(stored.name, stored.pool, detach=tuple(hosts), delete=True),
            condemned=Condemned(stored.name, stored.volume_id, stored.pool, stored.document),
        )

    def _elsewhere(self, seen: Seen) -> Iterator[Difference]:
        for name in seen.ours.get(self.stored.volume_id, ()):
            if name != self.stored.pool:
                says = f"has it on {self.stored.pool}"
                maybe = "Maybe two pools are one device; if not, look which is right and delete the other there."
                yield self._found("claimed", says, f"{name} shows it too", maybe, place=name, mends=False)

    def _grants(self, here: ObservedVolume) -> Iterator[Difference]:
        stored = self.stored
        hosts = ", ".join(granted.host for granted in stored.access) or "nobody"
        for identity in unheld(here.granted, stored.access):
            mend = Mend(stored.name, stored.pool, withdraw=True)
            device = f"{stored.pool} admits {identity}"
            yield self._found("extra_grant", f"grants it to {hosts}", device, "Maybe revoke that.", mend=mend)
        for granted in missing(here.granted, stored.access):
            mend = Mend(stored.name, stored.pool, regrant=(granted.host,))
            maybe = "Maybe grant it again."
            device = f"{stored.pool} does not admit {granted.iqn or granted.address or granted.host}"
            yield self._found("missing_grant", f"grants it to {granted.host}", device, maybe, mend=mend)

    def _made(self, here: ObservedVolume) -> Iterator[Difference]:
        wish = wish_of(self.volume, self.stored.volume_id, self.pool)
        if here.size_bytes != wish.size_bytes:
            maybe = "Maybe see who changed it: nothing here can make it as it was."
            says, shows = f"has {wish.size_bytes:,} bytes", f"{self.pool.name} shows {here.size_bytes:,}"
            yield self._found("size", says, shows, maybe, mends=False)
        if self.pool.manifest.qos.enforced is Enforcer.STORAGE and differ(wish.qos, here.qos):
            says, shows = f"gives it {_words(wish.qos)}", f"{self.pool.name} keeps {_words(here.qos)}"
            yield self._found("qos", says, shows, "Maybe set it there by hand: no driver can change it.", mends=False)

    def _attachments(self, seen: Seen) -> Iterator[Difference]:
        stored = self.stored
        due = self.volume.alternative.qos if self.volume.alternative.by_hypervisor else Qos()
        held, shown = {one.host for one in stored.attachments}, seen.attached.get(stored.device, {})
        theirs = {self.agents.get(host) for host in held}
        for host in sorted(held | shown.keys()):
            if isinstance(seen.hosts.get(host, ""), str):
                continue
            again = Mend(stored.name, stored.pool, reattach=(host,))
            if host not in shown:
                says, shows = f"attaches it to {host}", f"{host} does not have it"
                yield self._found("missing_attachment", says, shows, "Maybe attach it again.", mend=again, place=host)
            elif host not in held and self.agents.get(host) not in theirs:
                mend = Mend(stored.name, stored.pool, detach=(host,))
                says = f"does not attach it to {host}"
                yield self._found("extra_attachment", says, f"{host} has it", "Maybe detach it.", mend=mend, place=host)
            elif host in held and differ(due, shown[host].throttle):
                says, shows = f"throttles it to {_words(due)}", f"{host} throttles it to {_words(shown[host].throttle)}"
                yield self._found("throttle", says, shows, "Maybe throttle it as it should be.", mend=again, place=host)

    def _found(
        self,
        kind: Kind,
        ledger: str,
        device: str,
        maybe: str,
        *,
        mend: Mend | None = None,
        condemned: Condemned | None = None,
        place: str | None = None,
        mends: bool = True,
    ) -> Difference:
        says = f"the ledger {ledger}"
        finding = Finding(kind, place or self.stored.pool, self.stored.name, says, device, maybe, mends)
        return Difference(finding, mend, condemned)


def _words(qos: Qos) -> str:
    return ", ".join(phrases(qos)) or "nothing"
