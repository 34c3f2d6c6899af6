"""How a plan stands and what it waits for, for programs and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allocator.domain.plan import Step
from allocator.execution.owner import lives
from allocator.ledger.records import Progress, StepRecord

_LIVES: Final[Mapping[bool | None, str]] = {True: "lives", False: "dead", None: "on another machine"}


def plan_json(progress: Progress) -> dict[str, Any]:
    """A plan for programs."""
    owner = None
    if progress.owner is not None:
        owner = {"process": progress.owner.partition(" ")[0], "lives": lives(progress.owner)}
    return {
        "plan": progress.plan.id,
        "state": progress.state,
        "age_seconds": progress.age_seconds,
        "owner": owner,
        "lease_seconds": progress.lease_seconds,
        "volumes": [str(document["name"]) for document in progress.content.volumes],
        "waits_for": _waits_for(progress, owner),
        "reason": progress.reason,
    }


def _waits_for(progress: Progress, owner: dict[str, Any] | None) -> str:
    if progress.state == "planned":
        return "somebody to apply it"
    if progress.state == "stuck":
        return f"an operator: {progress.reason}"
    if progress.state != "running":
        return ""
    if owner is None or owner["lives"] is False or not progress.lease_seconds:
        return "somebody to resume it"
    begun = [step for step in progress.content.steps if progress.steps[step.number].state == "intent"]
    return "; ".join(_step_words(step, progress.steps[step.number]) for step in begun[:3])


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
