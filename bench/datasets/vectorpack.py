"""Vector bin packing: equal pools with named resources, items that take some of each, and as few pools as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.manifest import Manifest
from allocator.domain.placement import Volume
from allocator.domain.places import Amount, Pool
from allocator.domain.policy import Policy
from allocator.domain.qos import alternatives
from allocator.domain.request import Request
from allocator.goal import Tiers
from allocator.goals import tiers_of
from allocator.rule import Rule
from allocator.rules import rules_of

PLAIN: Final = Manifest("bin", "none")
POLICY: Final = Policy(rules=("resources",), goals=((("placed", 1),), (("packing", 1),)))


@dataclass(frozen=True, slots=True)
class Packing:
    """One instance: what a bin holds of each dimension, and what each item takes, copies unrolled."""

    room: Sequence[int]
    items: Sequence[Sequence[int]]


def read(text: str) -> Packing:
    """A `.vbp` file: dimensions, room, number of lines, then what an item takes and how many there are of it.

    ValueError where a number is missing.
    """
    dimensions, *numbers = map(int, text.split())
    room, lines, rest = numbers[:dimensions], numbers[dimensions], numbers[dimensions + 1 :]
    if len(rest) != lines * (dimensions + 1):
        raise ValueError(
            f"{lines} lines of {dimensions} dimensions and a count are {lines * (dimensions + 1)} numbers, found "
            f"{len(rest)}. Maybe the file is cut off."
        )
    items: list[tuple[int, ...]] = []
    for start in range(0, len(rest), dimensions + 1):
        *takes, copies = rest[start : start + dimensions + 1]
        items += [tuple(takes)] * copies
    return Packing(tuple(room), tuple(items))


def problem(instance: Packing, pools: int | None = None) -> tuple[list[Request], Inventory, list[Rule], Tiers]:
    """The instance on that many pools, or on as many as are surely enough (`enough`)."""
    number = enough(instance) if pools is None else pools
    resources = {f"d{dimension}": Amount(room) for dimension, room in enumerate(instance.room)}
    inventory = Inventory(
        Pool(f"bin-{row:05}", PLAIN.name, PLAIN, "zone", "all", resources=resources) for row in range(number)
    )
    items = [
        Request(f"item-{row:05}", 1, alternatives((), 1), resources=tuple(zip(resources, takes, strict=True)))
        for row, takes in enumerate(instance.items)
    ]
    rules = rules_of(POLICY)
    return items, inventory, list(rules), tiers_of(POLICY, rules)


def enough(instance: Packing) -> int:
    """The bins that items take one after the other, each in the first that has room."""
    left: list[list[int]] = []
    for takes in instance.items:
        for room in left:
            if all(need <= some for need, some in zip(takes, room, strict=True)):
                break
        else:
            room = list(instance.room)
            left.append(room)
        room[:] = [some - need for need, some in zip(takes, room, strict=True)]
    return len(left)


def written(instance: Packing, placed: Mapping[str, tuple[Volume, ...]]) -> str:
    """One bin number per item, in the items' order; KeyError where an item has none."""
    names = [placed[f"item-{row:05}"][0].pool for row in range(len(instance.items))]
    return " ".join(str(int(name.removeprefix("bin-"))) for name in names) + "\n"
