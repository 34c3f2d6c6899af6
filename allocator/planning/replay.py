"""Moves on paper: every state on the way is checked in plain loops, as if the moves were being run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.rule import Rule
from allocator.verify import worsened


@dataclass(frozen=True, slots=True)
class Fault:
    """The first step that must not be taken: a move in a wave, counted from 1, and why."""

    wave: int
    move: Move
    text: str


def replay(waves: Iterable[Sequence[Move]], inventory: Inventory, rules: Sequence[Rule]) -> Fault | None:
    """The first fault of moves in waves, or None: then no state on the way breaks a rule or makes a broken one worse.

    In a wave all moves are begun, in the order given, before any is done. The inventory is left as it is. Costs two
    checks of one volume for each move.
    """
    state = inventory.copy()
    for number, moves in enumerate(waves, start=1):
        for move in moves:
            wrong = unfit(move, state) or _broken(state, [begun(move)], rules)
            if wrong is not None:
                return Fault(number, move, wrong)
            state.settle([begun(move)])
        for move in moves:
            wrong = _broken(state, [move.then], rules)
            if wrong is not None:
                return Fault(number, move, wrong)
            state.settle([move.then])
    return None


def begun(move: Move) -> Volume:
    """The volume while the move lasts."""
    return replace(move.now, moving_to=move.then)


def unfit(move: Move, inventory: Inventory) -> str | None:
    """Why this is no move that can begin, whatever the rules say; None where it is one."""
    return next(_complaints(move, inventory), None)


def _complaints(move: Move, inventory: Inventory) -> Iterator[str]:
    now, then = move.now, move.then
    known = inventory.find(move.volume)
    if known is None or now.foreign:
        yield f"Volume {move.volume} is none of this engine's. Maybe it was deleted."
    elif known.moving_to is not None:
        yield f"Volume {move.volume} is on the move already. Maybe wait for that."
    elif (known.pool, known.hosts, known.asked) != (now.pool, now.hosts, now.asked):
        yield f"Volume {move.volume} lies on {known.pool} now, not on {now.pool}. Maybe decide again."
    if move.source == move.target or (then.request is not now.request and then.request != now.request):
        yield f"Volume {move.volume} does not go to another pool, or is another. Maybe decide again."
    if now.hosts != then.hosts or then.moving_to is not None:
        yield f"Volume {move.volume} would change its hosts. Maybe detach it first."
    if inventory.pools[move.source].state == "down":
        yield f"Pool {move.source} is down: {move.volume} cannot be read there. Maybe bring it up first."


def _broken(state: Inventory, arrivals: Sequence[Volume], rules: Sequence[Rule]) -> str | None:
    found = worsened(state, rules, arrivals)
    if not found:
        return None
    after, by_name = state.plus(arrivals), {rule.name: rule for rule in rules}
    return "; ".join(by_name[violation.rule].reason(violation, after).text for violation in found[:3])
