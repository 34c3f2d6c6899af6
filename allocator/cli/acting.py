"""`apply`, `attach`, `detach` and `delete`: what is decided is carried out, with progress, and reported."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Final

from allocator import Allocator
from allocator.cli import show
from allocator.cli.codes import DONE, FOUND, STOPPED, BadInput
from allocator.cli.ordered import move
from allocator.cli.progress import Watch, watching
from allocator.cli.session import Given
from allocator.documents.errors import shown
from allocator.domain.plan import Plan, StepKind
from allocator.execution.report import Report, VolumeReport
from allocator.ledger import Ledger
from allocator.planning.ordered import read_order
from allocator.planning.trust import LONGEST, read_plan

MAKING: Final = frozenset({"reserve", "create"})
_ID: Final = re.compile(r"[0-9a-f]{16}")


def apply(given: Given, name: str) -> int:
    """Run the plan of a file, the moves of one in waves, or an unfinished plan by its id."""
    if _ID.fullmatch(name) is None or Path(name).exists():
        text = _text(Path(name))
        waves = read_order(text)
        if waves is not None:
            with given.open() as allocator:
                return move(allocator, waves, as_json=given.as_json)
        plan = read_plan(text)
        with given.open(new=True) as allocator:
            return _run(allocator, plan, given.as_json)
    with given.open() as allocator:
        for plan in _ledger(allocator).unfinished():
            if plan.id == name:
                return _run(allocator, plan, given.as_json)
    raise BadInput(f"There is no unfinished plan {name}. Maybe `allocator status` shows its id.")


def attach(given: Given, volume: str, host: str) -> int:
    """Attach now, or go on with an attachment that was interrupted."""
    return _act(given, "attach", volume, host, lambda allocator: allocator.attach(volume, host))


def detach(given: Given, volume: str, host: str | None) -> int:
    """Detach now, or go on with it."""
    return _act(given, "detach", volume, host, lambda allocator: allocator.detach(volume, host))


def delete(given: Given, volume: str) -> int:
    """Delete now, or go on with it; a volume that is reserved and not made yet is released."""
    with given.open() as allocator:
        for stored in _ledger(allocator).volumes([volume]):
            if stored.state == "reserved":
                _ledger(allocator).release(volume)
                return _tell(Report("", "done", (VolumeReport(volume, stored.pool, "done"),)), given.as_json)
    return _act(given, "delete", volume, None, lambda allocator: allocator.delete(volume))


def _act(
    given: Given,
    kind: StepKind,
    volume: str,
    host: str | None,
    decide: Callable[[Allocator], Plan],
) -> int:
    with given.open() as allocator:
        plan = _interrupted(_ledger(allocator), kind, volume, host)
        if plan is None:
            try:
                plan = decide(allocator)
            except ValueError as error:
                raise BadInput(str(error)) from error
        return _run(allocator, plan, given.as_json)


def _interrupted(ledger: Ledger, kind: StepKind, volume: str, host: str | None) -> Plan | None:
    """The unfinished plan that does this already: one that was placed is another matter."""
    for plan in ledger.unfinished():
        kinds = {step.kind for step in plan.steps}
        here = {(step.kind, step.volume) for step in plan.steps if host in (None, step.host)}
        if (kind, volume) in here and not MAKING & kinds and (kind == "delete" or "delete" not in kinds):
            return plan
    return None


def _ledger(allocator: Allocator) -> Ledger:
    assert allocator.ledger is not None, "these commands require --ledger"
    return allocator.ledger


def _run(allocator: Allocator, plan: Plan, as_json: bool) -> int:
    return carried_out(plan, lambda progress: allocator.apply(plan, progress=progress), as_json)


def carried_out(plan: Plan, carry_out: Callable[[Watch], Coroutine[object, object, Report]], as_json: bool) -> int:
    """Run a plan, tell how far it is, and then what came of it."""
    try:
        with watching(len(plan.steps)) as progress:
            report = asyncio.run(carry_out(progress))
    except KeyboardInterrupt:
        show.complain(
            f"Stopped; what was done is on record. `allocator plan cancel {plan.id}` takes it back. "
            "The same command goes on from there."
        )
        return STOPPED
    return _tell(report, as_json)


def _tell(report: Report, as_json: bool) -> int:
    if as_json:
        show.data({"version": 1, **asdict(report)})
    else:
        _show(report)
    return DONE if report.state == "done" else FOUND


def _show(report: Report) -> None:
    show.table(
        ["VOLUME", "STATE", "POOL", "HOST", "URI", "DEVICE", "ID ON POOL"],
        [row for volume in report.volumes for row in _rows(volume)],
    )
    for volume in report.volumes:
        if volume.error is not None:
            show.say(f"{volume.volume}: {volume.error.text} ({volume.error.code})", "red")
    what = f"plan {report.plan}" if report.plan else "reservation"
    show.say(f"{what}: {report.state.replace('_', ' ')}", "green" if report.state == "done" else "red")
    if report.reason is not None:
        show.say(
            f"{report.reason}. Maybe mend that, then `allocator plan retry {report.plan}`, or `plan cancel`.", "red"
        )


def _rows(volume: VolumeReport) -> list[list[str]]:
    head = [volume.volume, volume.state.replace("_", " "), volume.pool]
    reached = [[r.host, r.uri or "", r.device or ""] for r in volume.reached] or [["", "", ""]]
    return [[*head, *where, volume.native_id or ""] for where in reached]


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"Plan {shown(str(path))} cannot be read: {error}. Maybe the path is mistyped.") from error
