"""The LP relaxation: numbers on paper, a bound that holds whatever the floats say, and the same bits every time."""

from __future__ import annotations

import numpy as np
import pytest
from ortools.sat.python import cp_model

from allocator.solver.relaxation import Method, relax
from allocator.solver.rows import Program, program_of

METHODS: tuple[Method, ...] = ("glop", "dual", "barrier")


def knapsack() -> cp_model.CpModel:
    """Keep at least 6 of 4a + 3b + 2c at costs 6, 3, 4, beside 10 that are fixed."""
    model = cp_model.CpModel()
    a, b, c = (model.new_int_var(0, 1, name) for name in "abc")
    model.add(4 * a + 3 * b + 2 * c >= 6)
    model.minimize(6 * a + 3 * b + 4 * c + 10)
    return model


def bins(sizes: list[int], number: int, room: int) -> cp_model.CpModel:
    """Equal bins of one dimension; the cost is how many are used."""
    model = cp_model.CpModel()
    inside = [[model.new_bool_var("") for _ in sizes] for _ in range(number)]
    for item in zip(*inside, strict=True):
        model.add(sum(item) == 1)
    used = []
    for row in inside:
        model.add(sum(size * place for size, place in zip(sizes, row, strict=True)) <= room)
        value = model.new_int_var(0, 1, "")
        model.add_min_equality(value, [sum(row), 1])
        used.append(value)
    model.minimize(sum(used))
    return model


@pytest.mark.parametrize("method", METHODS)
def test_bound_is_the_lp_optimum_rounded_up(method: Method) -> None:
    """b keeps 3 for 3, three quarters of a keep 3 for 4.5: with the fixed 10 that is 17.5, and costs are whole."""
    assert relax(program_of(knapsack().proto), method=method).bound == 18


@pytest.mark.parametrize("method", METHODS)
def test_bins_are_bounded_by_what_they_hold(method: Method) -> None:
    """Sizes of 21 in all need 2.1 bins of 10, so 3: a limit holds only where the bin is used."""
    found = relax(program_of(bins([6, 5, 4, 4, 2], 4, 10).proto), method=method)
    assert found.bound == 3
    assert found.least / 2**60 == pytest.approx(2.1)


def test_same_bits_every_time() -> None:
    made = program_of(bins([7, 6, 5, 5, 4, 3, 3, 2], 6, 11).proto)
    for method in METHODS:
        first, second = relax(made, method=method), relax(made, method=method)
        assert first.values is not None
        assert second.values is not None
        assert np.array_equal(first.values, second.values)
        assert first.least == second.least


def test_a_column_that_costs_too_much_is_closed() -> None:
    """At 1.5 a unit c costs 1 more than the 3 it is worth, b 1.5 less: each is more than 18 leaves above 17.5."""
    made = program_of(knapsack().proto)
    lower, upper = relax(made).tightened(made, 18)
    assert upper.tolist()[2] == 0
    assert lower.tolist()[1] == 1


def test_what_cannot_be_is_told() -> None:
    assert relax(program_of(bins([6, 6, 6], 1, 10).proto)).status == "infeasible"


def test_used_is_said_exactly() -> None:
    """min(sum, 1) of three columns: over whole numbers the rows leave 1 wherever something is there, else 0."""
    made = program_of(bins([1, 1, 1], 1, 3).proto)
    assert made.exact
    for there in range(4):
        values = np.array([int(column < there) for column in range(3)])
        fits = [used for used in (0, 1) if _fits(made, np.append(values, used), skip_items=True)]
        assert fits == [min(there, 1)]


def _fits(made: Program, values: np.ndarray[tuple[int], np.dtype[np.int64]], *, skip_items: bool) -> bool:
    sums = np.zeros(len(made.least), dtype=np.int64)
    np.add.at(sums, made.rows, made.factors * values[made.columns])
    kept = (made.least <= sums) & (sums <= made.most)
    return bool(kept[3 if skip_items else 0 :].all())


def test_a_minimum_with_more_than_1_is_only_bounded() -> None:
    """min(a + b, 2) of up to 4 each: at a sum of 4 the line from (0, 0) to (8, 2) asks for at least 1, not for 2."""
    model = cp_model.CpModel()
    a, b, value = model.new_int_var(0, 4, ""), model.new_int_var(0, 4, ""), model.new_int_var(0, 9, "")
    model.add_min_equality(value, [a + b, 2])
    model.add(a + b == 4)
    model.minimize(value)
    made = program_of(model.proto)
    assert not made.exact
    assert relax(made).bound == 1
