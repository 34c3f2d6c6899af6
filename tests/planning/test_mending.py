"""The order in which a volume is mended, and which plans pass for such."""

from __future__ import annotations

from dataclasses import replace

from allocator.domain.plan import Step
from allocator.planning.mending import Mend, is_mending, mending_steps
from allocator.planning.steps import delete_steps, placement_steps
from tests.execution.world import volume


def shown(steps: tuple[Step, ...]) -> list[tuple[str, str, str | None, tuple[int, ...]]]:
    return [(step.kind, step.volume, step.host, step.after) for step in steps]


def test_what_is_too_much_goes_first() -> None:
    """By volume and name; each step waits for the one before it on the same volume only."""
    much = Mend("b", "p", detach=("h3",), withdraw=True, regrant=("h1", "h2"), reattach=("h1",))
    assert shown(mending_steps([much, Mend("a", "p", delete=True, detach=("h9",))])) == [
        ("reattach", "a", "h9", ()),
        ("withdraw", "a", None, (1,)),
        ("delete", "a", None, (2,)),
        ("release", "a", None, (3,)),
        ("reattach", "b", "h3", ()),
        ("withdraw", "b", None, (5,)),
        ("regrant", "b", "h1", (6,)),
        ("regrant", "b", "h2", (7,)),
        ("reattach", "b", "h1", (8,)),
    ]


def test_only_such_plans_pass_for_mending() -> None:
    steps = mending_steps([Mend("a", "p", delete=True), Mend("b", "p", reattach=("h1",))])
    assert is_mending(steps)
    assert not is_mending(())
    assert not is_mending(steps[1:])
    assert not is_mending((*steps, replace(steps[1], number=5, after=())))
    assert not is_mending((*steps[:3], replace(steps[0], number=4, after=(3,))))
    assert not is_mending(delete_steps([volume("a", hosts=())]))
    assert not is_mending(placement_steps([volume("a")]))
