"""`check` and `audit`: findings, and for every offering where it is honoured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from allocator import Allocator
from allocator.checkup import Honour, OfferingCheck, check_offering
from allocator.cli import show
from allocator.cli.codes import DONE, FOUND
from allocator.cli.session import Given
from allocator.domain.outcome import Reason
from allocator.rule import singular


def check(given: Given) -> int:
    """What an administrator should know before first use (R03)."""
    with given.open() as allocator:
        findings = allocator.check()
        offerings = list(_checked(allocator))
    if given.as_json:
        told = [_offering_json(offering) for offering in offerings]
        show.data({"version": 1, "findings": findings_json(findings), "offerings": told})
    else:
        show.table(["OFFERING", "CHOICE", "QOS", "HONOURED ON", "NOT HONOURED ON"], _rows(offerings))
        _show(findings)
    return FOUND if findings else DONE


def audit(given: Given) -> int:
    """Everything that is broken now (R05)."""
    with given.open() as allocator:
        findings = allocator.audit()
    if given.as_json:
        show.data({"version": 1, "findings": findings_json(findings)})
    else:
        _show(findings)
    return FOUND if findings else DONE


def _show(findings: Sequence[Reason]) -> None:
    for reason in findings:
        show.say(f"{reason.rule}: {reason.text}", "red")
    if not findings:
        show.say("Nothing found.", "green")


def _checked(allocator: Allocator) -> Iterator[OfferingCheck]:
    inventory = allocator.inventory
    for offering in inventory.offerings.values():
        yield check_offering(offering, inventory, allocator.rules)


def _rows(offerings: Iterable[OfferingCheck]) -> Iterator[list[str]]:
    for offering in offerings:
        for number, way in enumerate(offering.alternatives, start=1):
            places = show.some(way.pools) or "no pool"
            if way.kind == "throttled":
                places += f"; {show.some(way.hosts) or 'no host'}"
            yield [offering.offering, str(number), way.kind, places, _not_honoured(way)]


def _not_honoured(way: Honour) -> str:
    """Places with the same complaints together: `nfs-1 offers no minimum IOPS (driver nfs), lacks tag ssd`."""
    complaints: dict[str, list[str]] = {}
    for place, why in way.complaints:
        complaints.setdefault(place, []).append(why)
    places: dict[tuple[str, ...], list[str]] = {}
    for place, whys in complaints.items():
        places.setdefault(tuple(whys), []).append(place)
    return "; ".join(
        f"{show.some(names)} {', '.join(map(singular, whys) if len(names) == 1 else whys)}"
        for whys, names in places.items()
    )


def findings_json(findings: Iterable[Reason]) -> list[dict[str, Any]]:
    return [
        {"rule": reason.rule, "subject": reason.subject, "numbers": dict(reason.numbers), "text": reason.text}
        for reason in findings
    ]


def _offering_json(offering: OfferingCheck) -> dict[str, Any]:
    return {
        "offering": offering.offering,
        "honoured": offering.honoured,
        "alternatives": [
            {
                "alternative": way.alternative,
                "kind": way.kind,
                "pools": list(way.pools),
                "hosts": list(way.hosts),
                "complaints": [{"place": place, "text": why} for place, why in way.complaints],
            }
            for way in offering.alternatives
        ],
    }
