"""How a plan stands and what it waits for, for programs and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allocator.domain.plan import Step
from allocator.execution.owner import lives
from allocator.ledger.records import PlanStatus, StepRecord

_LIVES: Final[Mapping[bool | None, str]] = {True: "lives", False: "dead", None: "on another machine"}


def plan_json(status: PlanStatus) -> dict[str, Any]:
    """A plan for programs."""
    owner = None
    if status.owner is not None:
        owner = {"process": status.owner.partition(" ")[0], "lives": lives(status.owner)}
    return {
        "plan": status.plan.id,
        "state": status.state,
        "age_seconds": status.age_seconds,
        "owner": owner,
        "lease_seconds": status.lease_seconds,
        "volumes": [str(document["name"]) for document in status.content.volumes],
        "waits_for": _waits_for(status, owner),
        "reason": status.reason,
    }


def _waits_for(status: PlanStatus, owner: dict[str, Any] | None) -> str:
    if status.state == "planned":
        return "somebody to apply it"
    if status.state == "stuck":
        return f"an operator: {status.reason}"
    if status.state != "running":
        return ""
    if owner is None or owner["lives"] is False or not status.lease_seconds:
        return "somebody to resume it"
    begun = [step for step in status.content.steps if status.steps[step.number].state == "intent"]
    return "; ".join(_step_words(step, status.steps[step.number]) for step in begun[:3])


def _step_words(step: Step, record: StepRecord) -> str:
    words = f"{step.kind} {step.volume} on {step.host or step.pool}"
    why = record.waiting
    return words if why is None else f"{words}, again in {-(-why.wait_ms // 1000)} s: {why.text} ({why.code})"


def step_json(step: Step, record: StepRecord) -> dict[str, Any]:
    """A step for programs."""
    waiting = record.waiting
    return {
        "number": step.number,
        "kind": step.kind,
        "volume": step.volume,
        "pool": step.pool,
        "host": step.host,
        "state": record.state,
        "attempts": 0 if waiting is None else waiting.attempts,
        "wait_seconds": 0 if waiting is None else -(-waiting.wait_ms // 1000),
        "error": record.error if waiting is None else f"{waiting.text} ({waiting.code})",
    }


def owner_words(owner: dict[str, Any] | None) -> str:
    """Who runs a plan, for people."""
    if owner is None:
        return ""
    return f"{owner['process']} ({_LIVES[owner['lives']]})"


def age_words(seconds: int | None) -> str:
    """Roughly: the largest unit that counts two or more of it."""
    if seconds is None:
        return ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
