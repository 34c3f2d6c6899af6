"""How far the steps of one plan have come, and the one way in which any of them is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final, Literal

from allocator.domain.plan import Step
from allocator.driver import DriverError, ErrorCode
from allocator.execution.actions import Actions
from allocator.execution.attempts import Call, Patience, Refused, carry_out
from allocator.execution.elsewhere import Again, Elsewhere, Homeless, Nowhere
from allocator.execution.journal import Journal
from allocator.execution.outlast import outlast
from allocator.execution.report import Failure, Progress
from allocator.execution.secrets import Secrets
from allocator.execution.slots import Slots
from allocator.ledger import Claim, Delayed, Entry, Mark, Settled, StepRecord, Waiting
from allocator.ledger.records import Result, StepState

_MOST_CHARACTERS: Final = 500


class Work:
    """The running plan: every mark goes to the journal before anybody acts on it."""

    def __init__(
        self,
        claim: Claim,
        journal: Journal,
        actions: Actions,
        secrets: Secrets,
        *,
        patience: Patience,
        slots: Slots,
        progress: Callable[[Progress], None] | None,
        again: Again | None,
    ) -> None:
        self.records: dict[int, StepRecord] = dict(claim.steps)
        self.plan = claim.content
        """As it is carried out now."""
        self._claim = claim
        self._again = again
        self._deciding = asyncio.Lock()
        self._journal = journal
        self._actions = actions
        self._secrets = secrets
        self._patience = patience
        self._done = sum(record.state == "done" for record in self.records.values())
        self._slots = slots
        self._progress = progress
        self._over = {step.number: asyncio.Event() for step in self.plan.steps}

    def state(self, step: Step) -> StepState:
        return self.records[step.number].state

    async def write(self, *marks: Mark, settled: Settled | None = None) -> None:
        """Put marks on record, in one commit with whatever else is waiting."""
        await self._journal.write(Entry(marks, settled))
        for mark in marks:
            record = self.records[mark.step.number]
            self.records[mark.step.number] = replace(
                record,
                state=mark.state,
                result=record.result if mark.result is None else mark.result,
                code=record.code if mark.error is None else mark.code,
                error=record.error if mark.error is None else mark.error,
                waiting=record.waiting if mark.state == "intent" else None,
            )
            self._done += (mark.state == "done") - (record.state == "done")
            if mark.state == "done":
                self._over[mark.step.number].set()

    async def do(self, step: Step) -> Result:
        """Do a step through its driver or agent, from where an earlier run left off with it.

        Raises Refused, whose text holds no secret.
        """
        call = Call(
            do=lambda: self._actions.do(step),
            look=lambda: self._actions.look(step),
            slot=lambda: self._turn(step),
            pause=lambda failed, seconds, error: self._pause(step, failed, seconds, error),
        )
        before = self.records[step.number].waiting
        self.records[step.number] = replace(self.records[step.number], waiting=None)
        self.tell(step, "started")
        try:
            if before is None:
                return await carry_out(call, self._patience.of(step.kind))
            # Clocks jump: nobody waits longer than whoever wrote this would have.
            await asyncio.sleep(min(before.wait_ms / 1000, self._patience.longest_delay_seconds))
            doubt = before.code == ErrorCode.UNKNOWN_OUTCOME
            return await carry_out(call, self._patience.of(step.kind), failed=before.attempts, doubt=doubt)
        except Refused as refused:
            told = self._told(str(refused))
            raise Refused(refused.code, told, certain=refused.certain, open=refused.open) from refused

    async def leave(self, step: Step, refused: Refused) -> None:
        """Put on record why a step stays as it is for now; whoever tries it again has all patience for it."""
        self.tell(step, "failed", Failure(refused.code, str(refused)))
        waiting = Waiting(0, 0, refused.code, str(refused))
        await self._journal.write(Entry(delayed=Delayed(step, waiting)))
        self.records[step.number] = replace(self.records[step.number], waiting=waiting)

    @property
    def decides_again(self) -> bool:
        """Whether there is anybody to ask for other targets."""
        return self._again is not None

    async def no_space(self, create: Step) -> None:
        """Put on record that a pool has no space for a volume, of which nothing is there."""
        await self._journal.write(Entry(full=create))
        self.records[create.number] = StepRecord("pending", full=self.records[create.number].full | {create.pool})

    async def find_targets(self, volumes: Collection[str], full: frozenset[str]) -> Elsewhere | Nowhere:
        """Ask for other targets of volumes that are not made, and go on with these."""
        assert self._again is not None, "asked for only then"
        # One after the other, since each answer is the whole plan.
        async with self._deciding:
            homeless = Homeless(self._claim, self.plan, volumes, full)
            answer = await asyncio.to_thread(outlast, partial(self._again, homeless))
            if isinstance(answer, Elsewhere):
                self.plan = replace(answer.content, id=self.plan.id)
                self._actions.learn(answer.volumes)
                for step in self.plan.steps:
                    if step.volume in volumes and step.kind != "reserve":
                        self.records[step.number] = StepRecord("pending", full=self.records[step.number].full)
            return answer

    async def wait_for(self, numbers: Iterable[int]) -> list[int]:
        """Wait until steps are over; those of them that were not done."""
        for number in numbers:
            await self._over[number].wait()
        return [number for number in numbers if self.records[number].state != "done"]

    def end(self, steps: Iterable[Step]) -> None:
        """Nothing more will be done about these steps: whoever waits for one goes on."""
        for step in steps:
            self._over[step.number].set()

    def tell(
        self,
        step: Step,
        state: Literal["started", "done", "retried", "failed", "undone"],
        failure: Failure | None = None,
    ) -> None:
        """Tell whoever watches."""
        if self._progress is not None:
            self._progress(Progress(step.volume, step.kind, step.host, state, self._done, len(self.records), failure))

    @asynccontextmanager
    async def _turn(self, step: Step) -> AsyncIterator[None]:
        async with self._slots.taken(step):
            await self._journal.make_sure()
            yield

    async def _pause(self, step: Step, failed: int, seconds: float, error: DriverError) -> None:
        """Wait on record, so that whoever goes on after a crash waits for the rest only."""
        text = self._told(str(error))
        self.tell(step, "retried", Failure(error.code, text))
        waiting = Waiting(failed, round(seconds * 1000), error.code, text)
        await self._journal.write(Entry(delayed=Delayed(step, waiting)))
        await asyncio.sleep(seconds)

    def _told(self, text: str) -> str:
        """A plug-in's words as they may leave: bounded, in one line, without secrets."""
        hidden = self._secrets.hidden(text)
        return "".join(sign if sign.isprintable() else " " for sign in hidden)[:_MOST_CHARACTERS]
