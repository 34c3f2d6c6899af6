"""The plans that make devices agree with the ledger again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from allocator.domain.plan import MENDING, Step, StepKind

_TAKING: Final = ("delete", "release")


@dataclass(frozen=True, slots=True)
class Mend:
    """What has to be done about one volume. Hosts are those to ask; what they are asked for is in the ledger."""

    volume: str
    pool: str
    detach: tuple[str, ...] = ()
    """Hosts that have it and should not."""
    withdraw: bool = False
    """Somebody has access who should not."""
    regrant: tuple[str, ...] = ()
    reattach: tuple[str, ...] = ()
    delete: bool = False
    """Nothing of it is to stay, neither on devices nor in the ledger."""


def mending_steps(mends: Iterable[Mend]) -> tuple[Step, ...]:
    """One chain per volume, in order of names.

    What is too much goes before anything is given: a device may refuse one kind of access beside another.
    """
    steps: list[Step] = []
    for mend in sorted(mends, key=lambda mend: mend.volume):
        after: tuple[int, ...] = ()
        for kind, host in _chain(mend):
            steps.append(Step(len(steps) + 1, kind, mend.volume, mend.pool, host, after))
            after = (len(steps),)
    return tuple(steps)


def is_mending(steps: Sequence[Step]) -> bool:
    """Whether these are steps of such a plan, in an order in which it may have them."""
    last: dict[str, Step] = {}
    for number, step in enumerate(steps, start=1):
        before = last.get(step.volume)
        if step.number != number or step.after != (() if before is None else (before.number,)):
            return False
        if step.kind not in MENDING and (before is None or step.kind not in _TAKING):
            return False
        if before is not None and before.kind in _TAKING and (before.kind, step.kind) != _TAKING:
            return False
        last[step.volume] = step
    return bool(steps)


def _chain(mend: Mend) -> list[tuple[StepKind, str | None]]:
    chain: list[tuple[StepKind, str | None]] = [("reattach", host) for host in mend.detach]
    if mend.withdraw or mend.delete:
        chain.append(("withdraw", None))
    if mend.delete:
        return [*chain, ("delete", None), ("release", None)]
    chain += [("regrant", host) for host in mend.regrant]
    return chain + [("reattach", host) for host in mend.reattach]
