"""How often a call is tried, and that a lost answer is looked into before anything is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import nullcontext

import pytest

from allocator.driver import DriverError, ErrorCode
from allocator.execution.attempts import Call, Patience, Refused, carry_out

QUICK = Patience(attempts=3, first_delay_seconds=0.001, longest_delay_seconds=0.002, call_seconds=0.05)


class Device:
    """Answers each question with the next of its answers, and keeps in order what it was asked."""

    def __init__(self, do: Iterable[object], look: Iterable[object] = ()) -> None:
        self.asked: list[str] = []
        self.retried: list[str] = []
        self.paused: list[tuple[int, float]] = []
        self._answers = {"do": list(do), "look": list(look)}

    async def answer(self, question: str) -> str | None:
        self.asked.append(question)
        answer = self._answers[question].pop(0)
        if answer == "hang":
            await asyncio.sleep(10)
        if isinstance(answer, BaseException):
            raise answer
        return None if answer is None else str(answer)

    async def do(self) -> str:
        return str(await self.answer("do"))

    def call(self) -> Call[str]:
        return Call(self.do, lambda: self.answer("look"), nullcontext, self.pause)

    async def pause(self, failed: int, seconds: float, error: DriverError) -> None:
        self.retried.append(error.code)
        self.paused.append((failed, seconds))

    def tried(self, *, failed: int = 0, doubt: bool = False) -> str:
        return asyncio.run(carry_out(self.call(), QUICK, failed=failed, doubt=doubt))


def error(code: ErrorCode) -> DriverError:
    return DriverError(code, f"It is {code}.")


LOST, BUSY = error(ErrorCode.UNKNOWN_OUTCOME), error(ErrorCode.BUSY)


def test_what_may_pass_is_tried_again() -> None:
    device = Device([BUSY, error(ErrorCode.UNAVAILABLE), "made"])
    assert (device.tried(), device.asked, device.retried) == ("made", ["do"] * 3, ["busy", "unavailable"])


def test_patience_ends() -> None:
    device = Device([BUSY] * 9)
    with pytest.raises(Refused, match="It is busy") as caught:
        device.tried()
    assert (caught.value.code, caught.value.certain, device.asked) == ("busy", True, ["do"] * 3)


@pytest.mark.parametrize("code", [ErrorCode.INVALID, ErrorCode.NO_SPACE, ErrorCode.CONFLICT, ErrorCode.DENIED])
def test_what_will_not_pass_is_refused_at_once(code: ErrorCode) -> None:
    device = Device([error(code)])
    with pytest.raises(Refused) as caught:
        device.tried()
    assert (caught.value.code, caught.value.certain, device.asked) == (code, True, ["do"])


@pytest.mark.parametrize("answer", [LOST, "hang"])
def test_a_lost_answer_is_looked_into(answer: object) -> None:
    """A call that takes longer than patience allows is one whose answer was lost."""
    device = Device([answer], ["found"])
    assert (device.tried(), device.asked) == ("found", ["do", "look"])


def test_what_is_not_there_is_tried_again() -> None:
    device = Device([LOST, "made"], [None])
    assert (device.tried(), device.asked) == ("made", ["do", "look", "do"])


def test_nothing_is_tried_while_nobody_can_tell() -> None:
    """A look that fails is no answer: only looks follow, and what was refused may have had its effect."""
    device = Device([LOST, "never"], [error(ErrorCode.DENIED), LOST])
    with pytest.raises(Refused) as caught:
        device.tried()
    assert device.asked == ["do", "look", "look"]
    assert (caught.value.code, caught.value.certain, caught.value.open) == ("unknown_outcome", False, True)


def test_the_rest_of_patience_is_what_an_earlier_run_left() -> None:
    """Two of three attempts have failed: one more is made."""
    device = Device([BUSY, "never"])
    with pytest.raises(Refused):
        device.tried(failed=2)
    assert (device.asked, device.paused) == (["do"], [])


def test_an_answer_lost_in_an_earlier_run_is_looked_into_first() -> None:
    device = Device(["never"], ["found"])
    assert (device.tried(failed=1, doubt=True), device.asked) == ("found", ["look"])


def test_what_was_lost_and_is_not_there_is_settled() -> None:
    """The last look says that nothing is there: it can be undone for sure, but it is not certain that it stays so."""
    device = Device([BUSY, BUSY, LOST], [None])
    with pytest.raises(Refused) as caught:
        device.tried()
    assert (caught.value.certain, caught.value.open) == (False, False)


def test_the_last_attempt_is_looked_into_as_well() -> None:
    device = Device([BUSY, BUSY, LOST], ["found"])
    assert (device.tried(), device.asked) == ("found", ["do", "do", "do", "look"])


@pytest.mark.parametrize("defect", [KeyError("x"), asyncio.CancelledError()])
def test_a_defect_is_neither_tried_again_nor_certain(defect: BaseException) -> None:
    device = Device([defect])
    with pytest.raises(Refused, match="Maybe a defect: a plug-in raises DriverError only") as caught:
        device.tried()
    assert (caught.value.certain, device.asked) == (False, ["do"])


def test_delays_double_up_to_the_longest_and_follow_the_device() -> None:
    patience = Patience(first_delay_seconds=1, longest_delay_seconds=5)
    asked = DriverError(ErrorCode.BUSY, "", retry_after_seconds=3)
    assert [patience.delay_seconds(attempt, BUSY) for attempt in (1, 2, 3, 4)] == [1, 2, 4, 5]
    assert [patience.delay_seconds(attempt, asked) for attempt in (1, 2, 3, 4)] == [3, 3, 4, 5]


def test_what_is_in_use_is_asked_less_often_than_what_is_busy() -> None:
    """Delays go by the error's code: from 1 s, 2 s and 4 s on."""
    patience = Patience(first_delay_seconds=1, longest_delay_seconds=100)
    codes = (ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.IN_USE)
    assert [[patience.delay_seconds(n, error(code)) for n in (1, 2, 3)] for code in codes] == [
        [1, 2, 4],
        [2, 4, 8],
        [4, 8, 16],
    ]


def test_a_cancelled_call_is_cancelled() -> None:
    device = Device(["hang"])

    async def cancelled(act: Callable[[], object]) -> None:
        task = asyncio.create_task(carry_out(device.call(), QUICK))
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled(device.tried))
    assert device.asked == ["do"]
