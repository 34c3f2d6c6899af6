"""What public instances must show, judged on made-up figures."""

from __future__ import annotations

from typing import Any

from bench.datasets.figures import Figures, Wanted, faults
from bench.datasets.gap import family

KNOWN: dict[str, Any] = {"family": "C", "bound": 99, "optimum": 100, "heuristic": None, "seconds": 1.0, "placed": 9}


def found(name: str, value: int | None, items: int, **facts: Any) -> Figures:
    return Figures(**(KNOWN | {"name": name, "value": value, "items": items} | facts))


def test_each_instance_and_the_mean_are_judged() -> None:
    """Of a family that allows 1 % each and 0.4 % in the mean: 100 and 101 of 100 are 0.5 %, and 102 is 2 %."""
    wanted = {"C": Wanted("C", mean=0.4, each=1, proven=10)}
    assert list(faults([found("a", 100, 11), found("b", 100, 10, bound=100)], wanted)) == []
    assert list(faults([found("a", 100, 11), found("b", 101, 11)], wanted)) == [
        "C: 0.50 % above the optimum in the mean, 0.4 % are allowed"
    ]
    assert list(faults([found("a", 102, 11), *(found(name, 100, 11) for name in "bcdef")], wanted)) == [
        "C a: 102, 1 % above 100 are allowed"
    ]
    assert list(faults([found("a", 100, 10)], wanted)) == ["C a: 100 is not proven, the bound is 99"]
    assert list(faults([found("a", None, 11)], wanted)) == ["C a: None, 1 % above 100 are allowed"]


def test_small_packings_are_held_against_the_best_heuristic() -> None:
    assert list(faults([found("a", 7, 120, optimum=6, heuristic=7), found("b", 9, 121, heuristic=8)], {})) == []
    assert list(faults([found("a", 8, 120, optimum=6, heuristic=7)], {})) == ["C a: 8, the best heuristic 7"]


def test_families_go_by_the_names_of_files() -> None:
    assert [family(name) for name in ("c10100", "e801600", "gap7-3", "mine")] == ["C", "E", "Cattrysse", "gap"]
