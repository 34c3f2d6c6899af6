"""From the model's counts back to units, and from units to a hint of counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import zip_longest
from typing import Any

from ortools.sat.python.cp_model_helper import FlatIntExpr

from allocator.domain.placement import Volume
from allocator.fleet import Ask
from allocator.solver.classes import Unit
from allocator.solver.counts import NOWHERE
from allocator.solver.model import Model

Candidates = list[tuple[Volume, ...]]


def unfold(model: Model, value: Callable[[Any], int]) -> Iterator[tuple[Unit, Candidates]]:
    """Each unit with its candidate placements, one for each host of its class; none where it is refused."""
    for number, unit_class in enumerate(model.classes):
        seated = list(_seated(model, number, value))
        for unit, seat in zip_longest(unit_class.units, seated):
            yield unit, [] if seat is None else _candidates(model, unit, *seat)


def hint(model: Model, placed: Mapping[str, tuple[Volume, ...]]) -> Callable[[Any], int]:
    """Tell the solver a whole answer: every count, zeros included, and what follows from the counts.

    Gives back what any expression of the model is worth by that answer.
    """
    counts: Counter[tuple[Any, ...]] = Counter()
    class_of = {unit.name: number for number, members in enumerate(model.classes) for unit in members.units}
    host_class = {model.fleet.hosts[row].name: k for k, hosts in enumerate(model.host_classes) for row in hosts.rows}
    asks = {(u, i, ask.alternative): ask for u, i, ask, _ in model.targets}
    for name, volumes in placed.items():
        number = class_of[name]
        k = host_class[volumes[0].hosts[0]] if volumes[0].hosts else NOWHERE
        counts["host", number, k] += 1
        for index, volume in enumerate(volumes):
            key = (number, index, asks[number, index, volume.alternative])
            row = model.fleet.pool_row[volume.pool]
            counts["target", *key, row] += 1
            counts["flow", *key, model.group_of[(*key, row)], k] += 1
    told: dict[int, int] = {}
    words: tuple[tuple[str, Mapping[Any, Any]], ...]
    words = ("host", model.hosts), ("target", model.targets), ("flow", model.flows)
    for word, variables in words:
        told |= {variable.index: counts[(word, *place)] for place, variable in variables.items()}
    worth = partial(_worth, told)
    for derived in model.derived:
        told[derived.variable.index] = derived.at(worth)
    model.cp.clear_hints()  # type: ignore[no-untyped-call]
    model.cp.proto.solution_hint.vars.extend(told.keys())
    model.cp.proto.solution_hint.values.extend(told.values())
    return worth


def _worth(told: Mapping[int, int], expression: Any) -> int:
    """The value of an expression, given the values of variables by their index."""
    if isinstance(expression, int):
        return expression
    flat = FlatIntExpr(expression)
    return int(sum(factor * told[v.index] for factor, v in zip(flat.coeffs, flat.vars, strict=True)) + flat.offset)


def _seated(
    model: Model, number: int, value: Callable[[Any], int]
) -> Iterator[tuple[int, tuple[tuple[Ask, int], ...]]]:
    """(host class, a pool for each request) of every placed unit of a class."""
    left = {key: value(variable) for key, variable in model.targets.items() if key[0] == number and value(variable)}
    flows = {key: value(variable) for key, variable in model.flows.items() if key[0] == number and value(variable)}
    chosen: dict[tuple[int, int], list[tuple[Ask, int]]] = defaultdict(list)
    for (u, index, ask, group, k), count in flows.items():
        rows = [key[3] for key in left if key[:3] == (u, index, ask) and model.group_of[key] == group]
        for _ in range(count):
            row = next(row for row in rows if left[u, index, ask, row])
            left[u, index, ask, row] -= 1
            chosen[k, index].append((ask, row))
    size = len(model.classes[number].example.requests)
    for k in sorted({k for k, _ in chosen}):
        for seat in zip(*(chosen[k, index] for index in range(size)), strict=True):
            yield k, seat


def _candidates(model: Model, unit: Unit, k: int, seat: tuple[tuple[Ask, int], ...]) -> Candidates:
    hosts = [unit.home[0].hosts if unit.home else ()]
    if k != NOWHERE and not unit.home:
        hosts = [(model.fleet.hosts[row].name,) for row in model.host_classes[k].rows]
    return [
        tuple(
            Volume(request, model.fleet.pools[row].name, host, ask.alternative, ask.asked)
            for request, (ask, row) in zip(unit.requests, seat, strict=True)
        )
        for host in hosts
    ]
