"""What is placed together or not at all: the volumes of one VM, each with its chain of steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allocator.domain.plan import INVERSE, Plan, Step
from allocator.execution.report import VolumeOutcome
from allocator.ledger import StepRecord
from allocator.ledger.records import Document

Records = Mapping[int, StepRecord]


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of one volume, in order."""

    volume: str
    document: Document
    steps: tuple[Step, ...]

    @property
    def create(self) -> Step | None:
        """The step that makes a volume which this plan has reserved; None where it changes one that was there."""
        kinds = {step.kind: step for step in self.steps}
        return kinds.get("create") if "reserve" in kinds else None

    @property
    def switch(self) -> Step | None:
        """The step from which on a volume that moves is where it goes to; None where none moves."""
        return next((step for step in self.steps if step.kind == "switch"), None)


def units_of(plan: Plan) -> list[tuple[Chain, ...]]:
    """The chains of a plan by VM; a volume without one stands alone."""
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in sorted(plan.steps, key=lambda step: step.number):
        steps[step.volume].append(step)
    units: dict[tuple[str, str], list[Chain]] = defaultdict(list)
    for document in plan.volumes:
        name, vm = str(document["name"]), document.get("vm")
        if name in steps:
            # What has moved stays there, whatever comes of the other volumes of its VM.
            unit = ("volume", name) if vm is None or "moving_to" in document else ("vm", str(vm))
            units[unit].append(Chain(name, document, tuple(steps[name])))
    return [tuple(chains) for chains in units.values()]


def goes_back(unit: Sequence[Chain], records: Records) -> bool:
    """True once a step that adds something has failed: all that the unit has added goes again."""
    return any(
        step.kind in INVERSE and records[step.number].state in ("failed", "undone")
        for chain in unit
        for step in chain.steps
    )


def outcome_of(chain: Chain, records: Records, *, back: bool) -> VolumeOutcome:
    """What has come of a volume, as its steps stand."""
    states = [records[step.number].state for step in chain.steps]
    if back:
        added = [records[step.number].state for step in chain.steps if step.kind in INVERSE]
        return "unfinished" if {"intent", "done", "failed"} & set(added) else "rolled_back"
    if "failed" in states:
        return "failed"
    return "done" if set(states) == {"done"} else "unfinished"


def has_no_space(chain: Chain, records: Records) -> bool:
    """True where the pool that the volume is to lie on has said that there is no space, and nothing is there."""
    create = chain.create
    return create is not None and create.pool in records[create.number].full
