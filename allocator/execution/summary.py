"""From how far the steps have come to what is reported of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from allocator.domain.plan import INVERSE, Plan
from allocator.execution.chains import Chain, Records, goes_back, outcome_of, units_of
from allocator.execution.report import Failure, Reached, Report, VolumeReport
from allocator.ledger.records import PlanState

_MOST_TOLD: Final = 3


def summarise(plan: Plan, records: Records) -> Report:
    """The report of a plan, in the order of its documents; what an earlier run did is in it as well."""
    found = {chain.volume: _volume(chain, unit, records) for unit in units_of(plan) for chain in unit}
    volumes = tuple(found[name] for name in map(str, (document["name"] for document in plan.volumes)) if name in found)
    return Report(plan.id, _state(volumes), volumes, _stuck(plan, records))


def _stuck(plan: Plan, records: Records) -> str | None:
    """The steps that patience has ended for, and what each of them met."""
    told = []
    for unit in units_of(plan):
        back = goes_back(unit, records)
        for step in (step for chain in unit for step in chain.steps):
            waiting = records[step.number].waiting
            if waiting is not None and waiting.attempts == 0:
                kind = INVERSE.get(step.kind, step.kind) if back else step.kind
                told.append(f"{kind} {step.volume} on {step.host or step.pool}: {waiting.text} ({waiting.code})")
    return "; ".join(told[:_MOST_TOLD]) or None


def _state(volumes: Sequence[VolumeReport]) -> PlanState:
    states = {volume.state for volume in volumes}
    if "unfinished" in states:
        return "stuck"
    if states <= {"done"}:
        return "done"
    return "rolled_back" if states == {"rolled_back"} else "failed"


def _volume(chain: Chain, unit: Sequence[Chain], records: Records) -> VolumeReport:
    state = outcome_of(chain, records, back=goes_back(unit, records))
    here = state in ("done", "unfinished")
    return VolumeReport(
        volume=chain.volume,
        pool=chain.steps[0].pool,
        state=state,
        native_id=_result(chain, records, "create", None, "native_id") if here else None,
        reached=_reached(chain, records) if here else (),
        error=_failure([chain], records) or _failure(unit, records) if state != "done" else None,
    )


def _reached(chain: Chain, records: Records) -> tuple[Reached, ...]:
    hosts = [step.host for step in chain.steps if step.kind == "grant" and records[step.number].state == "done"]
    return tuple(
        Reached(
            host,
            uri=_result(chain, records, "grant", host, "uri"),
            device=_result(chain, records, "attach", host, "device"),
        )
        for host in hosts
        if host is not None
    )


def _result(chain: Chain, records: Records, kind: str, host: str | None, key: str) -> str | None:
    for step in chain.steps:
        record = records[step.number]
        if (step.kind, step.host, record.state) == (kind, host, "done"):
            return (record.result or {}).get(key)
    return None


def _failure(chains: Sequence[Chain], records: Records) -> Failure | None:
    """The first error on record: of the volume itself, or of another of its VM; else what it waits for."""
    for chain in chains:
        for step in chain.steps:
            record = records[step.number]
            if record.error is not None:
                return Failure(record.code or "", record.error)
    waiting = [records[step.number].waiting for chain in chains for step in chain.steps]
    return next((Failure(why.code, why.text) for why in waiting if why is not None), None)
