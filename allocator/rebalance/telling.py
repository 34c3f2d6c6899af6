"""A rebalance as text for people and as JSON for programs; text may be bettered, the JSON's shape is stable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from allocator.domain.sizes import format_bytes, format_dimension
from allocator.explain import NOT_REPEATABLE, cost_words
from allocator.planning.deadlock import named
from allocator.planning.ordered import KEY, order_json
from allocator.rebalance.outcome import Effect, Proposed, Rebalance

MOST_TOLD: Final = 2
"""Things that a move changes which are told in its cell; the JSON has all of them."""
WORDS: Final = {"mends": "mends", "makes_room": "makes room", "gains": "gains"}


def why_words(proposed: Proposed) -> str:
    """What a move does, in one cell: alone, or with its companions."""
    if proposed.purpose == "makes_room":
        lost = proposed.missing[0].text if proposed.missing else ""
        return f"makes room for {', '.join(proposed.companions[:3]) or 'others'}; else {lost}"
    told = [effect.text for effect in proposed.alone if effect.gain > 0][:MOST_TOLD] or [
        f"with its companions; else {effect.text}" for effect in proposed.missing[:1]
    ]
    return f"{WORDS[proposed.purpose]}: {'; '.join(told)}" if told else WORDS[proposed.purpose]


def summary_lines(found: Rebalance) -> Iterator[str]:
    """What it comes to: moves, what is mended, what is gained, and what is left for others to do."""
    costs = ", ".join(cost_words(name, cost, bound) for name, (cost, bound) in found.goals.items())
    count = len(found.moves)
    moves = (
        f"{count:,} move{'s' if count > 1 else ''}, {format_bytes(found.size_bytes)}" if count else "Nothing to move"
    )
    yield f"{moves}; cost: {costs}"
    order = found.order
    if order.waves:
        staged = f", by way of a third pool: {named(order.staged)}" if order.staged else ""
        lasting = f", {order.seconds:,} s of copying" if order.seconds is not None else ""
        yield f"in {len(order.waves):,} wave{'s' if len(order.waves) > 1 else ''}{staged}{lasting}"
    for blocked in order.blocked:
        yield f"has no place in any order: {blocked.text}"
    for usable in found.usable:
        if usable.before != usable.after:
            before, after = (format_dimension(usable.what, amount) for amount in (usable.before, usable.after))
            fullest = f"(fullest: {usable.fullest_before}, then {usable.fullest_after})"
            yield f"usable {usable.what}: {before}, then {after} {fullest}"
    for vm, host in found.vms:
        yield f"VM {vm} must leave host {host}: that is the control plane's to do."
    if found.made:
        yield f"{_volumes(found.made)} moved within the window and counted against the budget; --window 0h begins anew."
    for staying in found.staying:
        yield f"stays broken: {staying.text}: {staying.why}"
    if not found.deterministic:
        yield NOT_REPEATABLE


def _volumes(count: int) -> str:
    return f"{count:,} volume{'s' if count > 1 else ''}"


def rebalance_json(found: Rebalance) -> dict[str, Any]:
    """The whole as plain data; what it holds under `order` is what `apply` carries out."""
    return {
        "version": 1,
        "status": "partly" if found.leaves_some else "mended" if found.moves else "nothing",
        "deterministic": found.deterministic,
        "seconds": found.seconds,
        "goals": [{"goal": goal, "cost": cost, "bound": bound} for goal, (cost, bound) in found.goals.items()],
        "broken": {"before": found.broken[0], "after": found.broken[1]},
        "moves": [_move(proposed) for proposed in found.moves],
        "waves": [
            {"moves": [move.volume for move in wave.moves], "bytes": wave.size_bytes, "seconds": wave.seconds}
            for wave in found.order.waves
        ],
        KEY: order_json(wave.moves for wave in found.order.waves),
        "staged": list(found.order.staged),
        "blocked": [
            {"volume": one.move.volume, "lacking": one.lacking, "behind": list(one.behind), "text": one.text}
            for one in found.order.blocked
        ],
        "pools": [
            {"pool": pool.pool, "rule": pool.what, "before": pool.before, "after": pool.after, "limit": pool.limit}
            for pool in found.pools
        ],
        "usable": [
            {
                "rule": usable.what,
                "before": usable.before,
                "after": usable.after,
                "fullest": {"before": usable.fullest_before, "after": usable.fullest_after},
            }
            for usable in found.usable
        ],
        "staying": [
            {"rule": one.rule, "subject": one.subject, "amount": one.amount, "text": one.text, "why": one.why}
            for one in found.staying
        ],
        "made": found.made,
        "vms": [{"vm": vm, "host": host} for vm, host in found.vms],
    }


def _move(proposed: Proposed) -> dict[str, Any]:
    move = proposed.move
    return {
        "volume": move.volume,
        "from": move.source,
        "to": move.target,
        "bytes": move.size_bytes,
        "qos": str(move.then.alternative.kind),
        "alternative": move.then.alternative.index,
        "purpose": proposed.purpose,
        "why": why_words(proposed),
        "alone": [_effect(effect) for effect in proposed.alone],
        "without": [_effect(effect) for effect in proposed.missing],
        "makes_room_for": list(proposed.companions),
    }


def _effect(effect: Effect) -> dict[str, Any]:
    return {
        "what": effect.what, "subject": effect.subject, "before": effect.before, "after": effect.after,
        "text": effect.text,
    }  # fmt: skip
