"""The first chapter: what is decided from documents alone, against manifests of storage that is not here."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from allocator import Allocator, Outcome
from allocator.demo.telling import Teller
from allocator.documents import DocumentError
from allocator.domain.outcome import RefusalKind

FILES: Final = Path(__file__).parent


def decisions(teller: Teller) -> None:
    """Place, check and audit the documents that ship beside this module."""
    here = Path.cwd()
    teller.chapter(
        "Decisions",
        "Pure: no driver is touched, nothing is reserved. Pool sf-1 carries the shipped `solidfire` manifest and nas-1",
        "the shipped `nfs` manifest; there is no array here. Type the commands in the directory that holds the files:",
        f"  cd {FILES.relative_to(here) if FILES.is_relative_to(here) else FILES}",
    )
    _minimum_is_kept(teller)
    _nothing_is_oversold(teller)
    _one_side_enforces(teller)
    _drift_is_found(teller)


def _minimum_is_kept(teller: Teller) -> None:
    teller.section("1. A minimum IOPS goes only where something keeps it (R01, R02, R04)")
    teller.written("fleet.yaml", _part("fleet.yaml", "pools") + _part("fleet.yaml", "offerings")[:3])
    teller.written("media.yaml", _part("media.yaml", "requests"))
    outcome = _place(teller, "fleet.yaml", "media.yaml")
    teller.claim(
        "10,000 minimum IOPS are placed on sf-1, whose driver advertises them.",
        [(placed.pool, placed.qos) for placed in outcome.placed] == [("sf-1", "provisioned")],
    )
    teller.written("media_on_bulk.yaml", _part("media_on_bulk.yaml", "requests"))
    outcome = _place(teller, "fleet.yaml", "media_on_bulk.yaml")
    teller.claim(
        "The same offering, with a tag that leads to NFS only, is refused for good, and the reason names the driver.",
        _refused(outcome, RefusalKind.NEVER, "features", "no minimum IOPS (driver nfs)"),
    )
    teller.written("bulk_offering.yaml", _part("bulk_offering.yaml", "offerings"))
    findings = _open(teller, "check", "fleet.yaml", "bulk_offering.yaml").check()
    teller.answered("\n".join(finding.text for finding in findings))
    teller.claim(
        "Its administrator could know before anybody asked for it (R03).",
        [(finding.rule, finding.subject) for finding in findings] == [("offering", "media-on-bulk")],
    )


def _nothing_is_oversold(teller: Teller) -> None:
    teller.section("2. 100,000 IOPS, oversubscribed by half, sell 150,000 and not one more (R06, R07)")
    teller.written("sold_140000.yaml, ten volumes of 14,000 such as", _part("sold_140000.yaml", "volumes")[1:2])
    teller.written("makes_150000.yaml", _part("makes_150000.yaml", "requests")[1:])
    outcome = _place(teller, "fleet.yaml", "sold_140000.yaml", "makes_150000.yaml")
    teller.claim("140,000 + 10,000 = 150,000 is accepted.", [placed.pool for placed in outcome.placed] == ["sf-1"])
    teller.written("makes_150001.yaml", _part("makes_150001.yaml", "requests")[1:])
    outcome = _place(teller, "fleet.yaml", "sold_140000.yaml", "makes_150001.yaml")
    teller.claim(
        "140,000 + 10,001 = 150,001 is refused, with what is left and what would help.",
        _refused(outcome, RefusalKind.NO_ROOM, "iops", "most on sf-1: 10,000")
        and [remedy.verified for remedy in outcome.refused[0].remedies] == [True],
    )


def _one_side_enforces(teller: Teller) -> None:
    teller.section("3. Storage or hypervisor, never both (R09, R11)")
    teller.written("both.yaml", _part("both.yaml", "requests")[1:])
    complaint = ""
    try:
        _place(teller, "fleet.yaml", "both.yaml")
    except DocumentError as error:
        complaint = str(error).replace(f"{FILES}/", "")
    teller.answered(complaint)
    teller.claim(
        "A request with both kinds of QoS is rejected, and both groups of fields are named.",
        "provisioned (min_iops, max_iops)" in complaint and "throttled (total_iops)" in complaint,
    )
    teller.written("fleet.yaml", _part("fleet.yaml", "offerings")[3:])
    outcome = _place(teller, "fleet.yaml", "gold_or_silver.yaml")
    teller.claim(
        "A gold-or-silver request gets gold while the array has IOPS to promise.",
        [(placed.pool, placed.qos) for placed in outcome.placed] == [("sf-1", "provisioned")],
    )
    outcome = _place(teller, "fleet.yaml", "sold_140000.yaml", "sold_150000.yaml", "gold_or_silver.yaml")
    teller.claim(
        "With all 150,000 sold, the same request falls back to a throttle on its hypervisor.",
        [(placed.pool, placed.host, placed.qos) for placed in outcome.placed] == [("nas-1", "kvm-01", "throttled")],
    )


def _drift_is_found(teller: Teller) -> None:
    teller.section("4. Tags that change later are noticed (R05)")
    teller.written("retagged.yaml", _part("retagged.yaml", "pools"))
    findings = _open(teller, "audit", "fleet.yaml", "sold_140000.yaml", "retagged.yaml").audit()
    teller.answered("\n".join([*(finding.text for finding in findings[:2]), f"... {len(findings)} findings in all"]))
    teller.claim(
        "Each of the ten volumes that asked for tag ssd is named.",
        sorted(finding.subject for finding in findings if finding.rule == "tags")
        == [f"sold-{number:02}" for number in range(1, 11)],
    )


def _open(teller: Teller, command: str, *names: str) -> Allocator:
    teller.typed(f"allocator {command} {' '.join(f'-f {name}' for name in names)}")
    return Allocator.open(*(FILES / name for name in names))


def _place(teller: Teller, *names: str) -> Outcome:
    outcome = _open(teller, "place", *names).place()
    teller.decided(outcome)
    return outcome


def _refused(outcome: Outcome, kind: RefusalKind, rule: str, text: str) -> bool:
    """Whether nothing was placed, and the one refusal is of that kind, by that rule, in those words."""
    if outcome.placed or len(outcome.refused) != 1:
        return False
    refusal = outcome.refused[0]
    texts = ", ".join(count.text for count in refusal.histogram)
    return refusal.kind is kind and rule in refusal.because and text in texts


def _part(name: str, key: str) -> list[str]:
    """The lines of one top-level key of a shipped document."""
    lines = (FILES / name).read_text().splitlines()
    start = lines.index(f"{key}:")
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return lines[start:end]
