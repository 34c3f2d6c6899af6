"""An outcome as text for people and as JSON for programs; text may be bettered, the JSON's shape is stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from allocator.domain.outcome import Count, Outcome, Placed, Refusal, RefusalKind
from allocator.domain.plan import Plan, Step
from allocator.rule import singular

MEANING = {
    RefusalKind.NEVER: "not even an empty fleet could take it",
    RefusalKind.NO_ROOM: "no room is left for it",
    RefusalKind.MOVE_WOULD_HELP: "it would fit if volumes moved",
    RefusalKind.TOGETHER: "it fits alone, but not together with the others",
    RefusalKind.UNDECIDED: "time ran out before an answer was found",
}

NOT_REPEATABLE = "not repeatable: the clock or several cores had a say, and another run may answer otherwise"


class Explained(Outcome):
    """An outcome that can speak for itself."""

    def explain(self) -> str:
        """The whole outcome as text for people."""
        return outcome_text(self)

    def to_json(self) -> dict[str, Any]:
        """The whole outcome as plain data for programs, in the shape of `outcome_json`."""
        return outcome_json(self)


def outcome_text(outcome: Outcome) -> str:
    """The whole outcome: where everything goes, then every refusal with its reasons."""
    lines = [placed_line(placed) for placed in outcome.placed]
    for refusal in outcome.refused:
        lines += refusal_lines(refusal)
    if not lines:
        lines.append("Nothing was asked for.")
    return "\n".join([*lines, *summary_lines(outcome)])


def summary_lines(outcome: Outcome) -> list[str]:
    """How many were placed, what the answer costs by each goal, and whether another run would answer the same."""
    goals = ", ".join(cost_words(goal.goal, goal.cost, goal.bound) for goal in outcome.goals)
    counts = f"{len(outcome.placed)} placed, {len(outcome.refused)} refused"
    return [f"{outcome.status}: {counts}; cost: {goals}", *([] if outcome.deterministic else [NOT_REPEATABLE])]


def cost_words(goal: str, cost: int, bound: int | None) -> str:
    """A goal's cost; where it may be more than the least, the bound, and the share between them, rounded up."""
    if bound is None or bound >= cost:
        return f"{goal} {cost:,}"
    if cost <= 0:
        return f"{goal} {cost:,} (at least {bound:,})"
    thousandths = min(1000, -(-1000 * (cost - bound) // cost))
    return f"{goal} {cost:,} (at least {bound:,}, gap {thousandths // 10}.{thousandths % 10}%)"


def placed_line(placed: Placed) -> str:
    """Where one request goes."""
    host = f" and host {placed.host}" if placed.host else ", not attached"
    choice = "" if placed.alternative == 0 else f" (choice {placed.alternative + 1})"
    return f"{placed.request} goes to pool {placed.pool}{host}, {qos_words(placed.qos)}{choice}"


def qos_words(kind: str) -> str:
    """A kind of QoS in words."""
    return {"none": "no QoS", "default": "the array's default QoS"}.get(kind, f"{kind} QoS")


def refusal_lines(refusal: Refusal) -> list[str]:
    """One refusal: what it means, the histogram of what closes each place, and what would help."""
    lines = [f"{refusal.request} is refused: {MEANING[refusal.kind]}."]
    lines += histogram_lines(refusal.histogram, refusal.pools)
    if refusal.pools > sum(count.pools for count in refusal.histogram) and not any(c.hosts for c in refusal.histogram):
        lines.append("  What is open takes it alone, but not all volumes of its VM at once.")
    if refusal.because:
        lines.append(f"  because of: {', '.join(refusal.because)}")
    if refusal.together:
        lines.append(f"  together with: {', '.join(refusal.together)}")
    lines += [f"  {remedy.text}" for remedy in refusal.remedies]
    return lines


def histogram_lines(histogram: Sequence[Count], pools: int) -> list[str]:
    """How many of so many pools are open, and what closes the others; then the same of hosts."""
    lines = []
    for over in ("pools", "hosts"):
        closed = [count for count in histogram if getattr(count, over)]
        parts = [", ".join(_count_text(count, over) for count in closed)] if closed else []
        fit = pools - sum(count.pools for count in closed)
        if closed or over == "pools":
            lines.append("  " + ": ".join([f"{fit} of {pools} pools fit" if over == "pools" else "hosts", *parts]))
    return lines


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as plain data. `seconds` is the only figure that differs from run to run."""
    return {
        "version": 1,
        "status": outcome.status,
        "deterministic": outcome.deterministic,
        "seconds": outcome.seconds,
        "goals": [{"goal": goal.goal, "cost": goal.cost, "bound": goal.bound} for goal in outcome.goals],
        "placed": [placed_json(placed) for placed in outcome.placed],
        "refused": [refusal_json(refusal) for refusal in outcome.refused],
        "plan": plan_json(outcome.plan),
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """A plan as plain data, from which `read_plan` makes the same plan again."""
    return {
        "version": 1,
        "id": plan.id,
        "steps": [_step_json(step) for step in plan.steps],
        "volumes": [dict(volume) for volume in plan.volumes],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "kind": step.kind,
        "volume": step.volume,
        "pool": step.pool,
        "host": step.host,
        "after": list(step.after),
    }


def placed_json(placed: Placed) -> dict[str, Any]:
    """Where one request goes, as plain data."""
    return {
        "request": placed.request,
        "vm": placed.vm,
        "pool": placed.pool,
        "host": placed.host,
        "qos": placed.qos,
        "alternative": placed.alternative,
    }


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """One refusal as plain data; `considered` counts pools."""
    return {
        "request": refusal.request,
        "kind": str(refusal.kind),
        "because": list(refusal.because),
        "together": list(refusal.together),
        "considered": refusal.pools,
        "histogram": histogram_json(refusal.histogram),
        "remedies": [
            {"text": remedy.text, "verified": remedy.verified, "change": _plain(remedy.change)}
            for remedy in refusal.remedies
        ],
    }


def histogram_json(histogram: Iterable[Count]) -> list[dict[str, Any]]:
    """What closes how many pools and hosts, as plain data."""
    return [{"rule": count.rule, "pools": count.pools, "hosts": count.hosts, "text": count.text} for count in histogram]


def _plain(value: object) -> Any:
    """Mappings and sequences as dicts and lists, all the way down."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


def _count_text(count: Count, over: str) -> str:
    number = getattr(count, over)
    return f"{number:,} {singular(count.text) if number == 1 else count.text}"
