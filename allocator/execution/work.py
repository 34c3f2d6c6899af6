"""How far the steps of one plan have come, and the one way in which any of them is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, Literal

from allocator.domain.plan import Plan, Step
from allocator.driver import DriverError
from allocator.execution.actions import Actions
from allocator.execution.attempts import Call, Patience, Refused, carry_out
from allocator.execution.journal import Journal
from allocator.execution.report import Failure, Progress
from allocator.execution.secrets import Secrets
from allocator.ledger import Claim, Entry, Mark, Settled, StepRecord
from allocator.ledger.records import Result, StepState

_MOST_CHARACTERS: Final = 500


class Work:
    """The running plan: every mark goes to the journal before anybody acts on it."""

    def __init__(
        self,
        plan: Plan,
        claim: Claim,
        journal: Journal,
        actions: Actions,
        secrets: Secrets,
        *,
        patience: Patience,
        parallel: int,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.records: dict[int, StepRecord] = dict(claim.steps)
        self._journal = journal
        self._actions = actions
        self._secrets = secrets
        self._patience = patience
        self._done = sum(record.state == "done" for record in self.records.values())
        self._slots = asyncio.Semaphore(parallel)
        self._progress = progress
        self._over = {step.number: asyncio.Event() for step in plan.steps}

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
            )
            self._done += (mark.state == "done") - (record.state == "done")
            if mark.state == "done":
                self._over[mark.step.number].set()

    async def do(self, step: Step) -> Result:
        """Do a step through its driver or agent. Raises Refused, whose text holds no secret."""
        call = Call(lambda: self._actions.do(step), lambda: self._actions.look(step))
        async with self._slots:
            self.tell(step, "started")
            try:
                return await carry_out(call, self._patience, lambda error: self._retried(step, error))
            except Refused as refused:
                raise Refused(refused.code, self._told(str(refused)), certain=refused.certain) from refused

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

    def _retried(self, step: Step, error: DriverError) -> None:
        self.tell(step, "retried", Failure(error.code, self._told(str(error))))

    def _told(self, text: str) -> str:
        """A plug-in's words as they may leave: bounded, in one line, without secrets."""
        hidden = self._secrets.hidden(text)
        return "".join(sign if sign.isprintable() else " " for sign in hidden)[:_MOST_CHARACTERS]
