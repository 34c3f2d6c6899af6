"""Trying a call until it is done, is refused for good or patience ends; never blindly after a lost answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from allocator.driver import DriverError, ErrorCode
from allocator.execution.connect import PluginError
from allocator.execution.secrets import SecretError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a call is tried. Delays double from the first to the longest."""

    attempts: int = 6
    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 10.0
    call_seconds: float = 300.0
    """A call that takes longer counts as one whose answer was lost."""

    def delay_seconds(self, attempt: int, error: DriverError) -> float:
        """How long to wait after the given attempt, counted from 1; a driver may ask for longer."""
        doubled = self.first_delay_seconds * float(2 ** (attempt - 1))
        return min(max(doubled, error.retry_after_seconds or 0.0), self.longest_delay_seconds)


class Refused(Exception):
    """A call that will not be done. `certain`: it had no effect, so there is nothing to undo."""

    def __init__(self, code: str, text: str, *, certain: bool) -> None:
        super().__init__(text)
        self.code = code
        self.certain = certain


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Something to be done outside, and how to see whether it has been done."""

    do: Callable[[], Awaitable[T]]
    look: Callable[[], Awaitable[T | None]]
    """What `do` would have given where its effect is there and whole; None where it must be done (again)."""


async def carry_out(call: Call[T], patience: Patience, retried: Callable[[DriverError], None]) -> T:
    """Do a call. Raises Refused."""
    certain, doubt = True, False
    last: DriverError | None = None
    for attempt in range(1, patience.attempts + 1):
        if last is not None:
            retried(last)
            await asyncio.sleep(patience.delay_seconds(attempt - 1, last))
        try:
            if doubt:
                found = await _bounded(call.look, patience)
                if found is not None:
                    return found
                doubt = False
            return await _bounded(call.do, patience)
        except DriverError as error:
            last = error
        except Refused as refused:
            raise Refused(refused.code, str(refused), certain=certain and refused.certain) from refused
        if last.code is ErrorCode.UNKNOWN_OUTCOME:
            certain, doubt = False, True
        elif not (doubt or last.code.retryable):
            break
    if last is None:
        raise ValueError("Patience allows no attempt. Maybe allow at least one.")
    found = await _last_look(call.look, patience) if doubt else None
    if found is not None:
        return found
    raise Refused(last.code, str(last), certain=certain)


async def _last_look(look: Callable[[], Awaitable[T | None]], patience: Patience) -> T | None:
    try:
        return await _bounded(look, patience)
    except DriverError:
        return None


async def _bounded(ask: Callable[[], Awaitable[T]], patience: Patience) -> T:
    try:
        async with asyncio.timeout(patience.call_seconds):
            return await ask()
    except TimeoutError:
        raise DriverError(
            ErrorCode.UNKNOWN_OUTCOME, f"There was no answer within {patience.call_seconds:g} s."
        ) from None
    except (SecretError, PluginError) as error:
        raise Refused(ErrorCode.INVALID, str(error), certain=True) from error
    except DriverError:
        raise
    except (Exception, asyncio.CancelledError) as defect:
        task = asyncio.current_task()
        if isinstance(defect, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        text = f"{type(defect).__name__}: {defect}. Maybe a defect: a plug-in raises DriverError only."
        raise Refused(ErrorCode.INVALID, text, certain=False) from defect
