"""A driver's or an agent's refusal, as tests expect it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from allocator.driver import DriverError, ErrorCode


async def refused(call: Awaitable[Any], *codes: ErrorCode) -> DriverError:
    """The DriverError with one of these codes that a call raises; AssertionError where it raises none or another."""
    try:
        result = await call
    except DriverError as error:
        refusal = error
    else:
        raise AssertionError(f"not refused: {result!r}")
    assert refusal.code in codes, f"refused with {refusal.code}, not one of {codes}: {refusal}"
    return refusal
