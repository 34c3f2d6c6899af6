"""Rule `features` on paper: the manifest covers all that a volume needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from allocator.domain.manifest import DetailKey, Manifest, QosSupport, Range, SizeSupport
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Enforcer, Kind, Qos, QosWish
from allocator.domain.request import Details
from allocator.rules.features import Features
from allocator.testing.made import (
    AGENT,
    CAPPING,
    CEILINGS,
    FIGURES,
    FILES,
    ISOLATING,
    STORAGE,
    host,
    limit,
    manifest,
    pool,
    provisioned,
    request,
    throttled,
    volume,
)
from tests.rules.paper import Case, misread

STEPPED = {**FIGURES, ("iops", "total", "floor"): Range(100, 15_000, 50)}
TOTALS = {key: accepted for key, accepted in FIGURES.items() if key[1] == "total"}
CALM = {key: accepted for key, accepted in FIGURES.items() if key[2] != "burst"}
DEFAULT = Qos(iops=Bands(Band(floor=100, ceiling=15_000)))

ARRAY, ALWAYS, KEYED = (
    pool("array"),
    replace(STORAGE, always=True, default=DEFAULT),
    {"speed": DetailKey("integer", (1, 2))},
)
EXACT = pool("exact", manifest("exact", QosSupport(Enforcer.STORAGE, figures=STEPPED)))
FLAT = pool("flat", manifest("flat", QosSupport(Enforcer.STORAGE, figures=CALM)))
BRIEF = pool("brief", manifest("brief", replace(STORAGE, burst_seconds=Range(1, 60))))
PLAIN, CAPS, OWN = pool("plain", FILES), pool("caps", CAPPING), pool("own", manifest("own", ALWAYS))
SECRET = pool("secret", manifest("secret", replace(STORAGE, always=True)))
BOUND = pool("bound", manifest("bound", replace(STORAGE, floor_without_ceiling=False)))
LUN, SOLD_LUN = (
    pool("lun", managed=False),
    pool("sold", manifest("sold", replace(STORAGE, unmanaged=True)), managed=False),
)
BARE, QUIET = (
    host("bare", manifest=None),
    host("quiet", manifest=replace(AGENT, qos=QosSupport(Enforcer.HYPERVISOR, figures={}))),
)
CAREFUL = Policy(reserve_floors=True)
READS = QosWish(Kind.PROVISIONED, Qos(iops=Bands(read=Band(floor=100, ceiling=200))))


def at_burst(seconds: int | None) -> QosWish:
    return provisioned(100, 200, burst=300, burst_seconds=seconds)


def keyed(driver: str, **keys: int | str) -> Details:
    return ((driver, tuple(keys.items())),)


def knowing(name: str) -> Pool:
    return pool(name, manifest(name, details=KEYED))


def made(**facts: Any) -> Pool:
    return pool("q", manifest("q", **facts))


def of(driver: Manifest, **facts: Any) -> Pool:
    return pool("x", driver, **facts)


CASES = (
    Case("R01 R02 a minimum that no driver honours", request("r", 1, provisioned(100)), "", [PLAIN, CAPS]),
    Case("R01 a minimum that one driver honours", request("r", 1, provisioned(100)), "array", [PLAIN, CAPS, ARRAY]),
    Case("not below 100", request("r", 1, provisioned(99)), "array", [EXACT, ARRAY]),
    Case("from 100 on", request("r", 1, provisioned(100)), "exact array", [EXACT, ARRAY]),
    Case("in steps of 50", request("r", 1, provisioned(150)), "exact array", [EXACT, ARRAY]),
    Case("and not between", request("r", 1, provisioned(149)), "array", [EXACT, ARRAY]),
    Case("up to 15,000", request("r", 1, provisioned(15_000)), "exact array", [EXACT, ARRAY]),
    Case("and not above", request("r", 1, provisioned(15_050)), "array", [EXACT, ARRAY]),
    Case("R13 burst where it is advertised", request("r", 1, at_burst(None)), "array", [FLAT, ARRAY]),
    Case("R13 no burst asked", request("r", 1, provisioned(100, 200)), "flat array", [FLAT, ARRAY]),
    Case("R13 for 60 seconds", request("r", 1, at_burst(60)), "brief array", [BRIEF, EXACT, ARRAY]),
    Case("R13 and not 61", request("r", 1, at_burst(61)), "array", [BRIEF, EXACT, ARRAY]),
    Case("figures of reads are figures of their own", request("r", 1, READS), "array",
         [of(manifest("x", QosSupport(Enforcer.STORAGE, figures=TOTALS))), ARRAY]),
    Case("R14 a known key and value", request(details=keyed("k", speed=2)), "k", [knowing("k")]),
    Case("R14 a known key, another value", request(details=keyed("k", speed=3)), "", [knowing("k")]),
    Case("R14 an unknown key", request(details=keyed("k", colour="red")), "", [knowing("k")]),
    Case("R14 another driver's keys are ignored", request(details=keyed("k", colour="red")), "j",
         [knowing("k"), knowing("j")]),
    Case("thick where the driver can", request(provisioning="thick"), "array",
         [made(provisioning=frozenset({"thin"})), ARRAY]),
    Case("unasked anywhere", request(), "q array", [made(provisioning=frozenset({"thin"})), ARRAY]),
    Case("encrypted where the driver can", request(encrypted=True), "q", [made(encryption=True), ARRAY]),
    Case("as large as the driver makes", request("r", 8), "q array", [made(size=SizeSupport(1, 8, 4)), ARRAY]),
    Case("after rounding up", request("r", 9), "array", [made(size=SizeSupport(1, 11, 4)), ARRAY]),
    Case("R16 R12 one LUN sells no floors", request("r", 1, provisioned(100)), "sold", [LUN, SOLD_LUN]),
    Case("R16 nor ceilings", request("r", 1, limit(100)), "sold/0 lun/1 sold/1", [LUN, SOLD_LUN]),
    Case("R16 and holds what asks for nothing", request(), "lun sold", [LUN, SOLD_LUN]),
    Case("R09 one side enforces: an array with its own QoS takes no throttle", request("r", 1, throttled(9), vm="m"),
         "array@h", [OWN, ARRAY], [host()]),
    Case("R11 a limit it takes", request("r", 1, limit(9), vm="m"), "own/0@h array/0@h array/1@h", [OWN, ARRAY],
         [host()]),
    Case("R11 files leave it to the hypervisor", request("r", 1, limit(9), vm="m"), "plain/1@h", [PLAIN], [host()]),
    Case("R11 where that can", request("r", 1, limit(9), vm="m"), "", [PLAIN], [BARE, QUIET]),
    Case("a throttle needs an agent that covers it", request("r", 1, throttled(9), vm="m"), "array@h", [ARRAY],
         [BARE, QUIET, host()]),
    Case("a default that nobody knows", request(), "array", [SECRET, ARRAY]),
    Case("unless it was observed", request(), "x", [of(SECRET.manifest, default_qos=DEFAULT)]),
    Case("a minimum without a maximum", request("r", 1, provisioned(100)), "array", [BOUND, ARRAY]),
    Case("and with one", request("r", 1, provisioned(100, 200)), "bound array", [BOUND, ARRAY]),
    Case("floors by reservation", request("r", 1, provisioned(100, 200)), "caps array", [CAPS, PLAIN, ARRAY],
         policy=CAREFUL),
    Case("not without a ceiling", request("r", 1, provisioned(100)), "array", [CAPS, ARRAY], policy=CAREFUL),
    Case("nor unless the policy says so", request("r", 1, provisioned(100, 200)), "array", [CAPS, ARRAY]),
    Case("nor on one LUN", request("r", 1, provisioned(100, 200)), "",
         [of(manifest("x", QosSupport(Enforcer.STORAGE, figures=CEILINGS, unmanaged=True)), managed=False)],
         policy=CAREFUL),
    Case("R05 a volume whose driver lost a feature is told", request(), "plain",
         [PLAIN], placed=[volume(PLAIN, request("v", 1, provisioned(100)))], broken={"volume v pool plain": 1}),
    Case("R07 a foreign one is not", request(), "plain",
         [PLAIN], placed=[volume(PLAIN, request("v", 1, provisioned(100)), foreign=True)]),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, Features)) == []


@pytest.mark.parametrize(
    ("place", "wish", "told"),
    [
        (PLAIN, provisioned(100), "offer no minimum IOPS (driver files)"),
        (CAPS, provisioned(100), "offer no minimum IOPS (driver capping)"),
        (EXACT, provisioned(149), "offer minimum IOPS from 100 to 15,000 in steps of 50 only (driver exact)"),
        (FLAT, at_burst(None), "offer no burst IOPS (driver flat)"),
        (BRIEF, at_burst(61), "offer no burst of 61 s (driver brief)"),
        (OWN, throttled(9), "always enforce QoS on the array (driver own)"),
        (LUN, provisioned(100), "are one LUN that volumes share, without QoS per volume (driver any)"),
        (pool("i", ISOLATING), throttled(9), None),
    ],
)
def test_a_complaint_names_figure_and_driver(place: Pool, wish: QosWish, told: str | None) -> None:
    """R02, R13: what was asked and which driver cannot."""
    trial = Case("", request("r", 1, wish), "", [place]).trial(Features)
    ask = trial.screen().asks(trial.world.requests[0])[0]
    rule = trial.tried[0]
    assert isinstance(rule, Features)
    assert rule.pool_complaint(ask, place) == told
