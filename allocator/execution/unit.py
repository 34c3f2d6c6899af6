"""Runs what is placed together or not at all: forward, elsewhere where there is no space, back where it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from allocator.domain.plan import INVERSE, Step
from allocator.driver import ErrorCode
from allocator.execution.attempts import Refused
from allocator.execution.chains import Chain, goes_back, has_no_space, outcome_of, units_of
from allocator.execution.elsewhere import MOST_FULL, Elsewhere, Nowhere
from allocator.execution.report import Failure
from allocator.execution.work import Work
from allocator.ledger import Mark, Settled
from allocator.ledger.records import StepState

_GONE: Final = ("pending", "undone")


class Unit:
    """The chains of one VM, or of a volume without one."""

    def __init__(self, chains: tuple[Chain, ...], work: Work) -> None:
        self._chains = chains
        self._work = work
        self._back = goes_back(chains, work.records)
        self._open = False
        """Nobody can tell what came of a step: until then nothing is done to the unit, neither forward nor back."""
        self._full = False
        """A pool has no space: nothing more is begun until it is known where the volume goes."""
        self._said: dict[int, str] = {}
        """What drivers said of that in this run, by step."""

    async def run(self, *, back: bool) -> None:
        """Go as far as it goes, or with `back` undo what is not all done; let go of every settled volume."""
        if back:
            await self._give_up()
        while not self._back:
            self._full = any(has_no_space(chain, self._work.records) for chain in self._chains)
            if self._full:
                await self._go_elsewhere()
            else:
                async with asyncio.TaskGroup() as group:
                    for chain in self._chains:
                        group.create_task(self._forward(chain))
            if self._open or not self._full:
                break
        for chain in self._chains:
            self._work.end(chain.steps)
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
        if self._back or outcomes == {"done"} or not all([await self._may_return(chain) for chain in self._chains]):
            return
        adding = [step for chain in self._chains for step in chain.steps if step.kind in INVERSE]
        if not adding:
            await self._stop_taking_away()
        begun = [step for step in adding if self._work.state(step) != "pending"]
        for step in (begun or adding)[-1:]:
            state: StepState = "failed" if begun else "undone"
            await self._work.write(Mark(step, state, code="cancelled", error="Rolled back on request."))
            self._back = True

    async def _stop_taking_away(self) -> None:
        """What is gone stays gone, and the rest stays."""
        for chain in self._chains:
            for step in [step for step in chain.steps if self._work.state(step) not in ("done", "failed")][:1]:
                await self._work.write(Mark(step, "failed", code="cancelled", error="Stopped on request."))

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
            if self._back or self._open or self._full:
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
                await self._refused(step, refused, certain=refused.certain and not resumed)
                break
            self._work.tell(step, "done")
            written = (Mark(step, "done", result),)
        if written:
            await self._work.write(*written)
        if not self._full:
            self._work.end(chain.steps)

    async def _refused(self, step: Step, refused: Refused, *, certain: bool) -> None:
        if refused.open or self._is_past_return(step):
            self._open = True
            await self._work.leave(step, refused)
        elif refused.code == ErrorCode.NO_SPACE and self._may_go_elsewhere(step) and await self._clean(step, certain):
            self._full = True
            self._said[step.number] = str(refused)
            self._work.tell(step, "failed", Failure(refused.code, str(refused)))
            await self._work.no_space(step)
        else:
            self._work.tell(step, "failed", Failure(refused.code, str(refused)))
            adds = step.kind in INVERSE
            self._back = self._back or adds
            state: StepState = "undone" if adds and certain else "failed"
            await self._work.write(Mark(step, state, code=refused.code, error=str(refused)))

    def _is_past_return(self, step: Step) -> bool:
        """Whether a volume that moves may be where it goes to by now: then it is only gone on with."""
        switches = [chain.switch for chain in self._chains if step in chain.steps]
        return any(switch is not None and step.number >= switch.number for switch in switches)

    async def _may_return(self, chain: Chain) -> bool:
        """Whether a volume that moves is where it was; if the switch was begun, its host is asked to stay with that."""
        switch = chain.switch
        if switch is None or self._work.state(switch) == "pending":
            return True
        if self._work.state(switch) == "done":
            return False
        try:
            await self._work.do(replace(switch, kind="drop"))
        except Refused:
            return False
        return True

    def _may_go_elsewhere(self, step: Step) -> bool:
        """Only what the plan itself reserved, and what no other volume waits for or is waited for by."""
        own = {step.number for chain in self._chains for step in chain.steps}
        alone = all(own.issuperset(step.after) for chain in self._chains for step in chain.steps)
        return self._work.decides_again and alone and step in [chain.create for chain in self._chains]

    async def _clean(self, step: Step, certain: bool) -> bool:
        """Make sure that nothing is there of what had no space."""
        return certain or await self._undone(step, "pending")

    async def _go_elsewhere(self) -> None:
        """Find other targets: for what has no space, or if nothing fits beside the rest of the VM, for all of it."""
        homeless = [chain for chain in self._chains if has_no_space(chain, self._work.records)]
        answer = await self._targets(homeless)
        if isinstance(answer, Nowhere) and len(homeless) < len(self._chains):
            made = [step for chain in self._chains for step in chain.steps if step.kind != "reserve"]
            for step in reversed(made):
                if self._work.state(step) not in _GONE and not await self._undone(step, "pending"):
                    self._open = True
                    return
            answer = await self._targets(self._chains)
        if isinstance(answer, Elsewhere):
            names = {chain.volume for chain in self._chains}
            (self._chains,) = [unit for unit in units_of(answer.content) if {chain.volume for chain in unit} == names]
            return
        self._back = True
        for chain in homeless:
            if chain.create is not None:
                said = self._said.get(chain.create.number, f"Pool {chain.create.pool} has no space for {chain.volume}.")
                error = f"{said} {answer.reasons}"
                await self._work.write(Mark(chain.create, "undone", code=ErrorCode.NO_SPACE, error=error))

    async def _targets(self, homeless: Sequence[Chain]) -> Elsewhere | Nowhere:
        creates = [chain.create for chain in self._chains if chain.create is not None]
        full = frozenset[str]().union(*(self._work.records[create.number].full for create in creates))
        if len(full) > MOST_FULL:
            return Nowhere(f"So have {len(full) - 1} others not. Maybe `allocator status --observe` shows why.")
        return await self._work.find_targets([chain.volume for chain in homeless], full)

    async def _undo(self, chain: Chain) -> None:
        """Undo in reverse order; what cannot be undone now stays on record for the next run."""
        for step in reversed(chain.steps):
            if step.kind in INVERSE and self._work.state(step) not in _GONE and not await self._undone(step, "undone"):
                return

    async def _undone(self, step: Step, state: StepState) -> bool:
        """Undo a step, on record as that state; False where that is not possible now."""
        try:
            await self._work.do(replace(step, kind=INVERSE[step.kind]))
        except Refused as refused:
            await self._work.leave(step, refused)
            return False
        await self._work.write(Mark(step, state))
        self._work.tell(step, "undone")
        return True
