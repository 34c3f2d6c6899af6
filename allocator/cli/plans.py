"""`plan`: plans that are not over, what they wait for, and what an operator can do about them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import closing
from typing import Any, Final, TypeVar

from allocator import Allocator
from allocator.cli import show
from allocator.cli.acting import carried_out
from allocator.cli.codes import DONE, FOUND, BadInput
from allocator.cli.plan_rows import age_words, owner_words, plan_json, step_json
from allocator.cli.progress import Watch
from allocator.cli.session import Given
from allocator.documents.errors import shown
from allocator.domain.plan import Plan
from allocator.execution.report import Report
from allocator.ledger import Ledger
from allocator.ledger.records import PlanStatus

T = TypeVar("T")
UNFINISHED: Final = ("planned", "running", "stuck")


def show_plans(given: Given) -> int:
    """Every plan that is not over."""
    plans = [plan_json(status) for status in _read(given, lambda ledger: ledger.status())]
    if given.as_json:
        show.data({"version": 1, "plans": plans})
    elif not plans:
        show.say("Every plan is over.")
    else:
        _show(plans)
    return DONE


def show_plan(given: Given, name: str) -> int:
    """One plan, over or not, step by step."""
    status = _read(given, lambda ledger: _found(ledger, name))
    plan = plan_json(status)
    steps = [step_json(step, status.steps[step.number]) for step in status.content.steps]
    if given.as_json:
        show.data({"version": 1, **plan, "steps": steps})
        return DONE
    _show([plan])
    show.table(
        ["STEP", "WHAT", "VOLUME", "POOL", "HOST", "STATE", "FAILED", "AGAIN IN", "WHY"],
        [
            [
                str(step["number"]),
                step["kind"],
                step["volume"],
                step["pool"],
                step["host"] or "",
                step["state"],
                f"{step['attempts']} times" if step["attempts"] else "",
                f"{step['wait_seconds']} s" if step["wait_seconds"] else "",
                step["error"] or "",
            ]
            for step in steps
        ],
    )
    return DONE


def _show(plans: Sequence[dict[str, Any]]) -> None:
    show.table(
        ["PLAN", "STATE", "AGE", "RUN BY", "LEASE", "VOLUMES", "WAITS FOR"],
        [
            [
                plan["plan"],
                plan["state"].replace("_", " "),
                age_words(plan["age_seconds"]),
                owner_words(plan["owner"]),
                age_words(plan["lease_seconds"] or None),
                show.some(plan["volumes"]),
                plan["waits_for"],
            ]
            for plan in plans
        ],
    )


def resume(given: Given, name: str) -> int:
    """Go on."""
    return _run(given, name, lambda allocator, plan, progress: allocator.resume(plan, progress=progress))


def cancel(given: Given, name: str) -> int:
    """Go back; done once nothing is left of it that could be undone."""
    status = _run(given, name, lambda allocator, plan, progress: allocator.cancel(plan, progress=progress))
    if status != FOUND:
        return status
    (left,) = _read(given, lambda ledger: ledger.status(name))
    return FOUND if left.state in UNFINISHED else DONE


def retry(given: Given, name: str) -> int:
    """Try again what failed."""
    return _run(given, name, lambda allocator, plan, progress: allocator.resume(plan, retry=True, progress=progress))


def _run(
    given: Given, name: str, carry_out: Callable[[Allocator, Plan, Watch], Coroutine[object, object, Report]]
) -> int:
    with given.open() as allocator:
        assert allocator.ledger is not None, "these commands require --ledger"
        status = _found(allocator.ledger, name)
        if status.state not in UNFINISHED:
            state = status.state.replace("_", " ")
            raise BadInput(f"Plan {name} is over: {state}. Maybe place or delete again, which makes another plan.")
        plan = status.plan
        return carried_out(plan, lambda watch: carry_out(allocator, plan, watch), given.as_json)


def _read(given: Given, question: Callable[[Ledger], T]) -> T:
    with closing(given.look()) as ledger:
        return question(ledger)


def _found(ledger: Ledger, name: str) -> PlanStatus:
    for status in ledger.status(name):
        return status
    raise BadInput(f"There is no plan {shown(name)} in the ledger. Maybe `allocator plan list` shows its id.")
