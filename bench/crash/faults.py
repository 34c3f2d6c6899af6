"""Drivers and agents that fail at seeded points: before the work, after it, or for want of space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

from allocator.driver import DriverError, ErrorCode, VolumeWish
from drivers.hypervisor.qemu import QemuAgent
from drivers.storage.tgt import TgtDriver

CALLS: Final[Mapping[type, Iterable[str]]] = {
    TgtDriver: ("create_async", "delete_async", "grant_access", "revoke_access", "inspect"),
    QemuAgent: ("attach", "detach", "copy", "compare", "mirror", "pivot", "drop"),
}
_BEFORE: Final = (
    (0.08, ErrorCode.BUSY),
    (0.12, ErrorCode.UNAVAILABLE),
    (0.16, ErrorCode.UNKNOWN_OUTCOME),
    (0.17, ErrorCode.DENIED),
)
"""Up to which draw which error comes, before anything is done."""
_AFTER: Final = 0.12
"""Up to which draw the answer is lost after the work was done."""
_NO_SPACE: Final = 0.25

Around = Callable[[str, str, str], None]
"""Told `before` or `after`, the call and its subject; may raise, or end the process."""


def watch(around: Around) -> None:
    """From now on, in this process, `around` is told of every call of the real driver and the real agent."""
    for plugin, names in CALLS.items():
        for name in names:
            setattr(plugin, name, _watched(getattr(plugin, name), name, around))


def _watched(call: Callable[..., Awaitable[Any]], name: str, around: Around) -> Callable[..., Awaitable[Any]]:
    async def watched(plugin: object, *given: Any) -> Any:
        subject = _subject(given)
        around("before", name, subject)
        answer = await call(plugin, *given)
        around("after", name, subject)
        return answer

    return watched


def _subject(given: tuple[Any, ...]) -> str:
    """The volume that a call is about, and for a new one its pool."""
    first = given[0]
    if isinstance(first, str):
        return str(given[-1])
    volume = getattr(first, "volume_id", None) or first.device
    return f"{volume} {first.pool}" if isinstance(first, VolumeWish) else str(volume)


class Faults:
    """Raises by what the seed draws for each call, its subject and how often it came: the same again in a replay."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, when: str, call: str, subject: str) -> None:
        if when == "before":
            self._seen[call, subject] += 1
        drawn = self._drawn(f"{when}/{call}/{subject}/{self._seen[call, subject]}")
        if when == "after":
            if drawn < _AFTER and call != "inspect":
                raise DriverError(ErrorCode.UNKNOWN_OUTCOME, "The answer was lost.")
            return
        if call == "create_async" and self._drawn(f"space/{subject}") < _NO_SPACE:
            raise DriverError(ErrorCode.NO_SPACE, "The pool is full after all.")
        for most, code in _BEFORE:
            if drawn < most:
                raise DriverError(code, f"It is {code} for once.")

    def _drawn(self, what: str) -> float:
        return Random(f"{self._seed}/{what}").random()  # noqa: S311  reproducible, not a secret
