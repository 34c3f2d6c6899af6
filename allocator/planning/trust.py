"""A plan comes from a file that anybody may have edited: it is read strictly, and believed only after a check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from allocator.documents import DocumentError, World
from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan, Step, StepKind, plan_id
from allocator.planning.copiers import may_copy
from allocator.planning.mending import is_mending
from allocator.planning.replay import replay
from allocator.planning.steps import attach_steps, delete_steps, detach_steps, moving_steps, placement_steps
from allocator.rule import Rule
from allocator.verify import worsened

LONGEST: Final = 256 * 1024 * 1024
"""Characters of the longest plan that is read: a plan of 100,000 volumes has about a third of it."""


class PlanError(ValueError):
    """A plan that cannot be read, was changed by hand, or no longer holds."""


class _StepForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    number: int
    kind: StepKind
    volume: str
    pool: str
    host: str | None = None
    after: list[int] = []


class _PlanForm(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    version: Literal[1]
    id: str
    steps: list[_StepForm]
    volumes: list[dict[str, Any]]


def read_plan(text: str) -> Plan:
    """A plan from the JSON that `place -o` writes: the plan itself, or an outcome that holds one. Raises PlanError."""
    if len(text) > LONGEST:
        raise PlanError(f"The plan has {len(text):,} characters, more than {LONGEST:,}. Maybe split the batch.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError(
            f"The plan is no JSON: {type(error).__name__}. Maybe it was not written by `place -o`."
        ) from None
    if isinstance(data, dict) and isinstance(data.get("plan"), dict):
        data = data["plan"]
    try:
        form = _PlanForm.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise PlanError(f"The plan is wrong at {where}: {first['msg']}. Maybe it was changed by hand.") from None
    steps = [Step(s.number, s.kind, s.volume, s.pool, s.host, tuple(s.after)) for s in form.steps]
    return Plan(form.id, tuple(steps), tuple(form.volumes))


def checked_id(plan: Plan) -> None:
    """Raises PlanError for a plan that is not what its id says."""
    if plan_id(plan.steps, plan.volumes) != plan.id:
        raise PlanError(f"Plan {plan.id} is not what its id says. Maybe it was changed by hand: place again.")


def checked_plan(plan: Plan, world: World, inventory: Inventory, rules: Sequence[Rule]) -> tuple[Volume, ...]:
    """The plan's volumes, once it is certain that it is what its id says and that it breaks no rule now.

    Raises PlanError.
    """
    checked_id(plan)
    try:
        volumes = tuple(world.hold(plan.volumes, inventory))
    except DocumentError as error:
        raise PlanError(f"Plan {plan.id} does not fit the documents: {error}") from None
    moving = any(volume.moving_to is not None for volume in volumes)
    as_stated = _moves(plan, volumes, inventory, rules) if moving else plan.steps in _expected(plan, volumes)
    if not as_stated and not is_mending(plan.steps):
        raise PlanError(f"Plan {plan.id} has steps that do not belong to its volumes. Maybe place again.")
    for volume in volumes:
        known = inventory.find(volume.name)
        chosen = volume.request.alternatives if known is None else (*volume.request.alternatives, known.asked)
        if volume.foreign or volume.asked not in chosen:
            raise PlanError(f"Plan {plan.id}: volume {volume.name} is none that a decision makes. Maybe place again.")
        if known is not None and known.request != volume.request:
            raise PlanError(f"Plan {plan.id}: volume {volume.name} is another in the ledger. Maybe place again.")
    new = [volume for volume in volumes if _differs(volume, inventory.find(volume.name))]
    if any(_has_begun(volume, inventory) for volume in volumes):
        # Its room was checked and taken when it was reserved: a part of it may be done, or undone, by now.
        new = []
    moves = [Move(replace(volume, moving_to=None), volume.moving_to) for volume in new if volume.moving_to is not None]
    fault = replay([moves], inventory, rules)
    if fault is not None:
        raise PlanError(f"Plan {plan.id} cannot move {fault.move.volume} now: {fault.text}")
    found = worsened(inventory, rules, new)
    if found:
        after, by_name = inventory.plus(new), {rule.name: rule for rule in rules}
        text = "; ".join(by_name[violation.rule].reason(violation, after).text for violation in found[:3])
        raise PlanError(f"Plan {plan.id} would break rule {found[0].rule}: {text}. Maybe place again.")
    return volumes


def _expected(plan: Plan, volumes: Sequence[Volume]) -> list[tuple[Step, ...]]:
    """The steps that such volumes can have: placed, attached, detached or deleted."""
    hosts = sorted({step.host for step in plan.steps if step.host is not None})
    one = hosts[0] if len(hosts) == 1 else ""
    return [
        placement_steps(volumes), delete_steps(volumes), attach_steps(volumes, one), detach_steps(volumes, one),
    ]  # fmt: skip


def _moves(plan: Plan, volumes: Sequence[Volume], inventory: Inventory, rules: Sequence[Rule]) -> bool:
    """Whether the steps are those that move such volumes, each copied by a host that may."""
    copiers = {step.volume: step.host for step in plan.steps if step.host is not None}
    if any(volume.moving_to is None or volume.name not in copiers for volume in volumes):
        return False
    may = all(may_copy(copiers[volume.name], volume, inventory, rules) for volume in volumes)
    return may and plan.steps == moving_steps(volumes, copiers)


def _has_begun(volume: Volume, inventory: Inventory) -> bool:
    """Whether a volume that the plan moves is on its way, or there: the ledger lets nobody begin the same again."""
    there, known = volume.moving_to, inventory.find(volume.name)
    return there is not None and known is not None and there.pool in [form.pool for form in known.forms]


def _differs(volume: Volume, known: Volume | None) -> bool:
    return known is None or _seen(volume) != _seen(known)


def _seen(volume: Volume) -> list[tuple[object, ...]]:
    return [(form.pool, form.hosts, form.asked) for form in volume.forms]
