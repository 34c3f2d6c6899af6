"""Deciding again, while a plan runs, where volumes go whose pool had no space: on fresh facts, without that pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from allocator.decide import decide
from allocator.documents import volume_document
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.domain.policy import Effort
from allocator.execution.elsewhere import Elsewhere, Homeless, Nowhere
from allocator.explain import refusal_lines
from allocator.fleet import Fleet
from allocator.goal import Tiers
from allocator.ledger import Ledger, StaleDecision
from allocator.planning.steps import placement_steps
from allocator.rule import Rule
from allocator.screen import Screen

TRIES: Final = 32
"""How often it is decided, if other processes change the ledger in between: one VM takes milliseconds."""


def decide_again(
    homeless: Homeless,
    ledger: Ledger,
    facts: Callable[[], Inventory],
    rules: Sequence[Rule],
    tiers: Tiers,
    effort: Effort,
) -> Elsewhere | Nowhere:
    """Other targets, reserved in place of those that had no space; what of the VM is made stays where it is.

    A pool that said no takes nothing new here, whatever the ledger says is left on it. `facts` gives a copy of the
    inventory as of now. Raises LedgerError.
    """
    for _ in range(TRIES):
        # Read before the facts: a decision on newer ones is refused, never wrong.
        seen = ledger.changes()
        inventory = facts()
        asked = [inventory.volumes[name].request for name in sorted(homeless.volumes)]
        shut = [replace(inventory.pools[name], state="full") for name in sorted(homeless.full & inventory.pools.keys())]
        screen = Screen(Fleet(inventory.copy(without=homeless.volumes, instead=shut)), rules)
        decision = decide(asked, screen, tiers, effort)
        if decision.refused:
            reasons = " ".join(line.strip() for line in refusal_lines(decision.refused[0]))
            return Nowhere(f"Nothing else fits: {reasons}")
        if any(volume.pool in homeless.full for volume in decision.volumes):
            return Nowhere("Nothing else fits. Maybe keep rule `state` in the policy.")
        content = _with(homeless.content, decision.volumes)
        try:
            ledger.replace_targets(homeless.claim, content, homeless.volumes, seen=seen)
        except StaleDecision:
            continue
        return Elsewhere(content, decision.volumes)
    return Nowhere(f"The ledger changed under {TRIES} decisions in a row. Maybe apply fewer plans at once.")


def _with(content: Plan, volumes: Sequence[Volume]) -> Plan:
    """The plan with these volumes where they go now: the same steps, since only places change."""
    targets = {volume.name: volume for volume in volumes}
    documents = [
        volume_document(targets[str(document["name"])]) if document["name"] in targets else document
        for document in content.volumes
    ]
    placed = {(step.volume, step.kind): step for step in placement_steps(volumes)}
    steps = []
    for step in content.steps:
        then = placed.get((step.volume, step.kind))
        steps.append(step if then is None else replace(step, pool=then.pool, host=then.host))
    return Plan.of(steps, documents)
