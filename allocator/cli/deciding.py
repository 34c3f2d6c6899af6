"""`place` and `explain`: decisions with or without a reservation, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from allocator import Allocator, Outcome, Request
from allocator.cli import show
from allocator.cli.codes import DONE, FOUND, BadInput
from allocator.cli.headway import searching
from allocator.cli.session import Given, whole_file
from allocator.cli.unheard import libraries_unheard
from allocator.documents.errors import nearest, shown
from allocator.domain.outcome import Count, Placed, Refusal
from allocator.domain.policy import Effort
from allocator.explain import (
    histogram_json,
    histogram_lines,
    outcome_json,
    placed_json,
    placed_line,
    qos_words,
    refusal_json,
    refusal_lines,
    summary_lines,
)
from allocator.refusal import Refusing
from allocator.solver.classes import units_of


def place(given: Given, output: Path | None, effort: Effort, executor: str | None) -> int:
    """Decide, reserve if there is a ledger, write the outcome and show it."""
    with whole_file(output) as file, given.open(new=True) as allocator:
        begun = perf_counter()
        with solving_on(executor, effort) as (runs, within), searching() as progress, libraries_unheard():
            outcome = allocator.place(effort=within, progress=progress, executor=runs)
        outcome = replace(outcome, seconds=round(perf_counter() - begun, 6))
        told = outcome_json(outcome)
        if file is not None:
            json.dump(told, file, indent=2)
            file.write("\n")
    if given.as_json:
        show.data(told)
    else:
        _show_outcome(outcome)
        if output is not None:
            show.say(f"{output} holds the plan's {len(outcome.plan.steps)} steps. Run it with `allocator apply`.")
    return FOUND if outcome.refused else DONE


@contextmanager
def solving_on(executor: str | None, effort: Effort) -> Iterator[tuple[Executor | None, Effort]]:
    """The named executor, and the effort with as many workers as it has unless the effort says."""
    if executor is None:
        yield None, effort
        return
    from allocator.executors import open_executor

    with open_executor(executor) as opened:
        yield opened.executor, effort if effort.workers > 1 else replace(effort, workers=opened.workers)


def _show_outcome(outcome: Outcome) -> None:
    show.table(
        ["REQUEST", "VM", "POOL", "HOST", "QOS", "CHOICE"],
        [
            [p.request, p.vm or "", p.pool, p.host or "", qos_words(p.qos), str(p.alternative + 1)]
            for p in outcome.placed
        ],
    )
    for refusal in outcome.refused:
        _show_refusal(refusal)
    summary, *more = summary_lines(outcome)
    show.say(f"{summary}; {outcome.seconds:.2f} s")
    for line in more:
        show.say(line, "yellow")


def _show_refusal(refusal: Refusal) -> None:
    head, *rest = refusal_lines(refusal)
    show.say(head, "red")
    for line in rest:
        show.say(line)


@dataclass(frozen=True, slots=True)
class Explained:
    """What would become of one request, and what closes places to it."""

    request: Request
    placed: Placed | None
    refusal: Refusal | None
    histogram: tuple[Count, ...]
    standing: bool
    """It was placed before."""

    @property
    def state(self) -> str:
        return "refused" if self.refusal else "placed" if self.standing else "open"

    def open(self, over: str, of: int) -> int:
        """How many of the fleet's `pools` or `hosts` are open to it."""
        return of - sum(int(getattr(count, over)) for count in self.histogram)


def explain(given: Given, name: str | None) -> int:
    """Decide each request with the others of its VM on the facts as of now, and reserve nothing."""
    allocator = given.unbound()
    found = list(_explained(allocator, name))
    every = {"pools": len(allocator.inventory.pools), "hosts": len(allocator.inventory.hosts)}
    if given.as_json:
        show.data({"version": 1, "requests": [_json(each, every) for each in found]})
    else:
        for each in found:
            _show_explained(each, every)
        if not found:
            show.say("Nothing was asked for.")
    return FOUND if any(each.refusal for each in found) else DONE


def _explained(allocator: Allocator, name: str | None) -> Iterator[Explained]:
    asked, inventory = allocator.world.ask(None, allocator.inventory), allocator.inventory
    names = [request.name for request in asked]
    if name is not None and name not in names:
        hint = nearest(name, names, f"Maybe one of {show.some(names)}." if names else "Maybe a file is missing.")
        raise BadInput(f"There is no request named {shown(name)}. {hint}")
    refusing = Refusing(inventory, allocator.rules, allocator.tiers)
    for unit in units_of(asked):
        if name is not None and all(request.name != name for request in unit.requests):
            continue
        outcome = allocator.explain(unit.requests)
        placed = {placed.request: placed for placed in outcome.placed}
        refused = {refusal.request: refusal for refusal in outcome.refused}
        new = [request for request in unit.requests if inventory.find(request.name) is None]
        for request in unit.requests:
            if name in (None, request.name):
                refusal = refused.get(request.name)
                histogram = refusal.histogram if refusal else tuple(refusing.histogram(request, new or [request]))
                yield Explained(request, placed.get(request.name), refusal, histogram, request not in new)


def _show_explained(each: Explained, every: dict[str, int]) -> None:
    if each.refusal is not None:
        _show_refusal(each.refusal)
        return
    if each.placed is not None:
        show.say(placed_line(each.placed) + (", where it lies already" if each.standing else ""))
    if each.standing:
        return
    for line in histogram_lines(each.histogram, every["pools"]):
        show.say(line)
    if each.request.attaches:
        show.say(f"  {each.open('hosts', every['hosts']):,} of {every['hosts']:,} hosts fit")


def _json(each: Explained, every: dict[str, int]) -> dict[str, Any]:
    return {
        "request": each.request.name,
        "vm": each.request.vm,
        "state": each.state,
        **{over: {"open": each.open(over, of), "of": of} for over, of in every.items()},
        "histogram": histogram_json(each.histogram),
        "placed": None if each.placed is None else placed_json(each.placed),
        "refused": None if each.refusal is None else refusal_json(each.refusal),
    }
