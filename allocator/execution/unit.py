"""What is placed together or not at all: the volumes of one VM, each with its chain of steps."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from allocator.domain.plan import INVERSE, Plan, Step
from allocator.execution.attempts import Refused
from allocator.execution.report import Failure, VolumeOutcome
from allocator.execution.work import Work
from allocator.ledger import Mark, Settled, StepRecord
from allocator.ledger.records import Document, StepState

Records = Mapping[int, StepRecord]


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps of one volume, in order."""

    volume: str
    document: Document
    steps: tuple[Step, ...]


def units_of(plan: Plan) -> list[tuple[Chain, ...]]:
    """The chains of a plan by VM; a volume without one stands alone."""
    steps: dict[str, list[Step]] = defaultdict(list)
    for step in sorted(plan.steps, key=lambda step: step.number):
        steps[step.volume].append(step)
    units: dict[tuple[str, str], list[Chain]] = defaultdict(list)
    for document in plan.volumes:
        name, vm = str(document["name"]), document.get("vm")
        if name in steps:
            unit = ("volume", name) if vm is None else ("vm", str(vm))
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


class Unit:
    """Runs one unit: forward, and back if anything fails on the way."""

    def __init__(self, chains: tuple[Chain, ...], work: Work) -> None:
        self._chains = chains
        self._work = work
        self._back = goes_back(chains, work.records)
        self._open = False
        """Nobody can tell what came of a step: until then nothing is done to the unit, neither forward nor back."""

    async def run(self, *, back: bool) -> None:
        """Go as far as it goes, or with `back` undo what is not all done; let go of every settled volume."""
        if back:
            await self._give_up()
        if not self._back:
            async with asyncio.TaskGroup() as group:
                for chain in self._chains:
                    group.create_task(self._forward(chain))
        if self._back and not self._open:
            async with asyncio.TaskGroup() as group:
                for chain in self._chains:
                    group.create_task(self._undo(chain))
        await self._settle()

    async def _settle(self) -> None:
        """Let go of what is over: going back each volume by itself, going forward all of them or none."""
        outcomes = [(chain, outcome_of(chain, self._work.records, back=self._back)) for chain in self._chains]
        if not self._back and any(outcome == "unfinished" for _, outcome in outcomes):
            return
        for chain, outcome in outcomes:
            if outcome != "unfinished":
                await self._work.write(settled=Settled(chain.volume, outcome, chain.document))

    async def _give_up(self) -> None:
        """Turn back on somebody's wish, unless all is done; on record, so that a resume goes back as well."""
        outcomes = {outcome_of(chain, self._work.records, back=self._back) for chain in self._chains}
        if self._back or outcomes == {"done"}:
            return
        adding = [step for chain in self._chains for step in chain.steps if step.kind in INVERSE]
        begun = [step for step in adding if self._work.state(step) != "pending"]
        for step in (begun or adding)[-1:]:
            state: StepState = "failed" if begun else "undone"
            await self._work.write(Mark(step, state, code="cancelled", error="Rolled back on request."))
            self._back = True

    async def _forward(self, chain: Chain) -> None:
        """Do what is left to do. A result is written together with the next step's intent."""
        own = {step.number for step in chain.steps}
        written: tuple[Mark, ...] = ()
        for step in chain.steps:
            if self._work.state(step) == "done":
                self._work.end([step])
                continue
            if self._work.state(step) == "failed":
                break
            others = [number for number in step.after if number not in own]
            if others and written:
                await self._work.write(*written)
                written = ()
            missing = await self._work.wait_for(others)
            if self._back or self._open:
                break
            resumed = self._work.state(step) != "pending"
            if not resumed:
                written = (*written, Mark(step, "intent"))
            if written:
                await self._work.write(*written)
                written = ()
            try:
                if missing:
                    raise Refused("blocked", f"Step {missing[0]} was not done.", certain=True)
                result = await self._work.do(step)
            except Refused as refused:
                if refused.open:
                    self._open = True
                    await self._work.leave(step, refused)
                else:
                    await self._failed(step, refused, certain=refused.certain and not resumed)
                break
            self._work.tell(step, "done")
            written = (Mark(step, "done", result),)
        if written:
            await self._work.write(*written)
        self._work.end(chain.steps)

    async def _failed(self, step: Step, refused: Refused, *, certain: bool) -> None:
        self._work.tell(step, "failed", Failure(refused.code, str(refused)))
        adds = step.kind in INVERSE
        self._back = self._back or adds
        state: StepState = "undone" if adds and certain else "failed"
        await self._work.write(Mark(step, state, code=refused.code, error=str(refused)))

    async def _undo(self, chain: Chain) -> None:
        """Undo in reverse order; what cannot be undone now stays on record for the next run."""
        for step in reversed(chain.steps):
            if step.kind not in INVERSE or self._work.state(step) in ("pending", "undone"):
                continue
            try:
                await self._work.do(replace(step, kind=INVERSE[step.kind]))
            except Refused as refused:
                await self._work.leave(step, refused)
                return
            await self._work.write(Mark(step, "undone"))
            self._work.tell(step, "undone")
