"""Rule `features`: the driver can do all that the volume needs."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Final

from allocator.domain.charging import kept, made_bytes
from allocator.domain.manifest import Manifest
from allocator.domain.places import Host, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Alternative, Enforcer, Kind, Qos
from allocator.domain.sizes import format_bytes, format_count, format_rate
from allocator.fitting import FitRule
from allocator.fleet import Ask

MOST_KNOWN: Final = 100_000
"""Alternatives of which is kept what is wrong with their QoS, on pools and by agents; beyond it all are forgotten."""
WORDS = {"floor": "minimum", "ceiling": "maximum", "burst": "burst"}


class Features(FitRule):
    """Rule: every feature a volume needs is in the manifest of the side that is to provide it.

    Formula: for each figure asked, least <= figure <= most and figure is a multiple of step, in the manifest of the
    pool's driver (provisioned, limit) or of the host's agent (throttled); size, provisioning, encryption and vendor
    keys likewise.

    Why: an administrator can type a minimum IOPS that no storage honours; what no manifest covers is refused (R02).
    """

    name = "features"
    reads = "wishes"

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self._known: dict[tuple[Alternative, Alternative, Pool], tuple[str, ...]] = {}
        self._throttled: dict[tuple[Alternative, Manifest], tuple[str, ...]] = {}

    @staticmethod
    def sees_pool(pool: Pool) -> Hashable:
        return pool.manifest, pool.managed, pool.default_qos

    @staticmethod
    def sees_host(host: Host) -> Hashable:
        return host.manifest

    def concerns(self, ask: Ask, over: str) -> bool:
        return over == "pool" or ask.alternative.by_hypervisor

    def pool_complaint(self, ask: Ask, pool: Pool) -> str | None:
        return next(self.pool_complaints(ask, pool), None)

    def host_complaint(self, ask: Ask, host: Host) -> str | None:
        return next(self.host_complaints(ask, host), None)

    def pool_complaints(self, ask: Ask, pool: Pool) -> Iterator[str]:
        request, manifest = ask.request, pool.manifest
        driver = f"(driver {manifest.name})"
        size_bytes, most = made_bytes(request, pool), manifest.size.most
        if most is not None and size_bytes > most:
            yield f"take no volume above {format_bytes(most)} {driver}"
        if request.provisioning is not None and request.provisioning not in manifest.provisioning:
            yield f"offer no {request.provisioning} volumes {driver}"
        if request.encrypted and not manifest.encryption:
            yield f"offer no encryption {driver}"
        for key, value in request.details_for(manifest.name).items():
            known = manifest.details.get(key)
            if known is None:
                yield f"do not know the key {key} {driver}"
            elif known.choices and value not in known.choices:
                yield f"do not take {key}={value} {driver}"
        asked = (ask.asked, ask.alternative, pool)
        wrong = self._known.get(asked)
        if wrong is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            wrong = self._known[asked] = tuple(self._qos_complaints(ask, pool, driver))
        yield from wrong

    def host_complaints(self, ask: Ask, host: Host) -> Iterator[str]:
        if not ask.alternative.by_hypervisor:
            return
        if host.manifest is None:
            yield "have no agent that throttles"
            return
        asked = (ask.alternative, host.manifest)
        wrong = self._throttled.get(asked)
        if wrong is None:
            if len(self._throttled) >= MOST_KNOWN:
                self._throttled.clear()
            agent = f"(agent {host.manifest.name})"
            wrong = self._throttled[asked] = tuple(_uncovered(ask.alternative.qos, host.manifest, agent))
        yield from wrong

    def _qos_complaints(self, ask: Ask, pool: Pool, driver: str) -> Iterator[str]:
        support = pool.manifest.qos
        if kept(ask.asked, pool) != ask.alternative:
            yield f"keep the volume's QoS in another way {driver}"
        if support.always:
            if ask.asked.kind is Kind.THROTTLED:
                yield f"always enforce QoS on the array {driver}"
            elif support.sells_floors() and not ask.alternative.qos.has_floor():
                yield f"give a default QoS that is not known {driver}"
        if ask.asked.kind not in (Kind.PROVISIONED, Kind.LIMIT):
            return
        if support.enforced not in (Enforcer.STORAGE, Enforcer.CLIENT):
            yield from (f"offer no {_figure(*asked[:3])} {driver}" for asked in ask.asked.qos.asked())
            return
        if not pool.sells_promises:
            yield f"are one LUN that volumes share, without QoS per volume {driver}"
        if ask.asked.qos.has_floor() and not support.floor_without_ceiling and not ask.alternative.bounded:
            yield f"offer no minimum without a maximum {driver}"
        reserve = self.policy.reserve_floors and pool.managed and ask.alternative.bounded
        yield from _uncovered(ask.asked.qos, pool.manifest, driver, reserve_floors=reserve)


def _uncovered(qos: Qos, manifest: Manifest, who: str, *, reserve_floors: bool = False) -> Iterator[str]:
    """The figures the manifest does not cover; with `reserve_floors` a floor needs no figure of its own."""
    sells_floors = manifest.qos.sells_floors()
    for unit, direction, field, value in qos.asked():
        if field == "floor" and reserve_floors and not sells_floors:
            continue
        figure = _figure(unit, direction, field)
        accepted = manifest.qos.figures.get((unit, direction, field))
        if accepted is None:
            yield f"offer no {figure} {who}"
        elif accepted.complaint(value) is not None:
            show = format_rate if unit == "bandwidth" else format_count
            most = "" if accepted.most is None else f" to {show(accepted.most)}"
            step = "" if accepted.step == 1 else f" in steps of {show(accepted.step)}"
            yield f"offer {figure} from {show(accepted.least)}{most}{step} only {who}"
    seconds, accepted = qos.burst_seconds(), manifest.qos.burst_seconds
    if seconds is not None and (accepted is None or accepted.complaint(seconds) is not None):
        yield f"offer no burst of {seconds} s {who}"


def _figure(unit: str, direction: str, field: str) -> str:
    side = "" if direction == "total" else f"{direction} "
    return f"{WORDS[field]} {side}{'IOPS' if unit == 'iops' else 'bandwidth'}"
