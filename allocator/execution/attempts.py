"""Trying a call until it is done, is refused for good or patience ends; never blindly after a lost answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Generic, TypeVar

from allocator.domain.plan import StepKind
from allocator.driver import DriverError, ErrorCode
from allocator.execution.connect import PluginError
from allocator.execution.secrets import SecretError

T = TypeVar("T")
Slot = Callable[[], AbstractAsyncContextManager[object]]

_SLOWNESS: Final[Mapping[ErrorCode, int]] = MappingProxyType({ErrorCode.UNAVAILABLE: 2, ErrorCode.IN_USE: 4})
"""How many times the usual delay: what is busy is free soon, what is in use may be so for long."""


COPYING: Final = frozenset({"copy", "verify", "mirror", "switch"})
"""Steps that take as long as it takes to read a volume."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long a call is tried. Delays double from the first to the longest."""

    attempts: int = 6
    first_delay_seconds: float = 0.2
    longest_delay_seconds: float = 10.0
    call_seconds: float = 300.0
    """A call that takes longer counts as one whose answer was lost."""
    copy_seconds: float = 7 * 86400.0
    """The same for a call that copies: 100 TiB at 200 MB/s take six days."""

    def of(self, kind: StepKind) -> Patience:
        """The patience for steps of one kind."""
        return replace(self, call_seconds=self.copy_seconds) if kind in COPYING else self

    def delay_seconds(self, attempt: int, error: DriverError) -> float:
        """How long to wait after the given attempt, counted from 1; a driver may ask for longer."""
        doubled = self.first_delay_seconds * _SLOWNESS.get(error.code, 1) * float(2 ** (attempt - 1))
        return min(max(doubled, error.retry_after_seconds or 0.0), self.longest_delay_seconds)


class Refused(Exception):
    """A call that will not be done.

    `certain`: it had no effect, so there is nothing to undo. `open`: nobody can tell whether it had one, not even
    its driver, so nothing may be done until it can.
    """

    def __init__(self, code: str, text: str, *, certain: bool, open: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.certain = certain
        self.open = open


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """Something to be done outside, and how to see whether it has been done."""

    do: Callable[[], Awaitable[T]]
    look: Callable[[], Awaitable[T | None]]
    """What `do` would have given where its effect is there and whole; None where it must be done (again)."""
    slot: Slot
    """Waits until one more question may be under way; held while it is, and not between attempts."""
    pause: Callable[[int, float, DriverError], Awaitable[None]]
    """Told how many attempts have failed, how many seconds to wait, and why; comes back when that is over."""


async def carry_out(call: Call[T], patience: Patience, *, failed: int = 0, doubt: bool = False) -> T:
    """Do a call, some attempts of which have failed already; with `doubt` the answer to the last was lost.

    Raises Refused.
    """
    certain = not doubt
    while True:
        try:
            if doubt:
                found = await _asked(call.slot, call.look, patience)
                if found is not None:
                    return found
                doubt = False
            return await _asked(call.slot, call.do, patience)
        except DriverError as error:
            last, looked = error, doubt
        except Refused as refused:
            code = ErrorCode.UNKNOWN_OUTCOME if doubt else refused.code
            raise Refused(code, str(refused), certain=certain and refused.certain, open=doubt) from refused
        if doubt:
            last = _unknown(last)
        if last.code is ErrorCode.UNKNOWN_OUTCOME:
            certain, doubt = False, True
        elif not last.code.retryable:
            break
        failed += 1
        if failed >= patience.attempts:
            break
        await call.pause(failed, patience.delay_seconds(failed, last), last)
    if doubt and not looked:
        try:
            found = await _asked(call.slot, call.look, patience)
        except (DriverError, Refused):
            looked = True
        else:
            if found is not None:
                return found
    raise Refused(last.code, str(last), certain=certain, open=doubt and looked)


def _unknown(error: DriverError) -> DriverError:
    """What keeps anybody from telling whether an earlier call had its effect."""
    return DriverError(ErrorCode.UNKNOWN_OUTCOME, str(error), retry_after_seconds=error.retry_after_seconds)


async def _asked(slot: Slot, ask: Callable[[], Awaitable[T]], patience: Patience) -> T:
    async with slot():
        return await _bounded(ask, patience)


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
