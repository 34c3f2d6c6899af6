"""R24, R26: thousands of refusals are explained without a solve for each."""

from __future__ import annotations

from typing import Any

import pytest

from allocator import crowd
from allocator.crowd import Crowd
from allocator.decide import decide
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Refusal, RefusalKind
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.solver import conflict, search
from allocator.solver.classes import Unit, units_of
from allocator.testing.made import pool, request, sized

POLICY = Policy()
RULES = rules_of(POLICY)


def refused(inventory: Inventory, *asked: Request, effort: Effort = Effort()) -> tuple[Refusal, ...]:  # noqa: B008
    return decide(asked, Screen(Fleet(inventory), RULES), tiers_of(POLICY, RULES), effort).refused


def test_equal_requests_are_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: a pool of 6 takes 3 of 30 equal requests of 2. Each of the others is told of four that do not fit."""
    looked: list[str] = []
    fewest = conflict.fewest_together

    def counted(unit: Unit, **facts: object) -> tuple[str, ...]:
        looked.append(unit.name)
        return fewest(unit, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(conflict, "fewest_together", counted)
    found = refused(Inventory([pool(capacity=sized(6))]), *(request(f"r{number:02}", 2) for number in range(30)))
    assert len(looked) == 1
    assert len(found) == 27
    assert {(refusal.kind, len(refusal.together), refusal.because) for refusal in found} == {
        (RefusalKind.TOGETHER, 4, ("capacity",))
    }
    assert all(refusal.request in refusal.together for refusal in found)


def test_what_is_beyond_the_bounds_gets_its_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: the third sort is not looked into; that it is refused is proven all the same."""
    monkeypatch.setattr(crowd, "NAMED", 1)
    monkeypatch.setattr(crowd, "REASONED", 2)
    inventory = Inventory([pool(capacity=sized(6))])
    units = units_of([request("r5", 5), request("r4", 4), request("r3", 3)])
    placed = units_of([request("here", 4)])[0]
    screen, tiers = Screen(Fleet(inventory), RULES), tiers_of(POLICY, RULES)
    volumes = decide(placed.requests, screen, tiers, Effort()).volumes
    told = list(Crowd(screen, tiers, volumes, lambda unit: (unit.name, "here"), proven=True).refusals(units))
    assert [refusal.together for refusal in told] == [("r5", "here"), (), ()]
    assert [refusal.because for refusal in told] == [("capacity",), ("capacity",), ()]
    assert {refusal.kind for refusal in told} == {RefusalKind.TOGETHER}
    assert [(count.rule, count.pools) for count in told[2].histogram] == [("capacity", 1)]


def test_loading_the_solver_is_part_of_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: it takes half a second, once in a process; the solver gets what is left of five."""
    given: list[float | None] = []
    solve = search.solve

    def noted(*facts: Any, **more: Any) -> Any:
        given.append(facts[4].seconds)
        return solve(*facts, **more)

    monkeypatch.setattr(search, "solve", noted)
    asked = [request(f"r{number}", 2 + number % 2) for number in range(4)]
    assert len(refused(Inventory([pool(capacity=sized(6))]), *asked, effort=Effort(seconds=5.0))) == 2
    assert refused(Inventory([pool(capacity=sized(6))]), *asked) != ()
    assert given[0] is not None
    assert 0 < given[0] < 5
    assert given[1] is None


def test_past_the_deadline_no_group_is_looked_for() -> None:
    """R24: whether all fit was not proven either, so that nothing is claimed."""
    asked = [request(f"r{number}", 2 + number % 2) for number in range(4)]
    found = refused(Inventory([pool(capacity=sized(6))]), *asked, effort=Effort(seconds=0.0))
    assert {(refusal.kind, refusal.together) for refusal in found} == {(RefusalKind.UNDECIDED, ())}
