"""Carrying plans out on the fleet as it stands: checked before anything is touched, decided again for want of space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Literal

from allocator.documents import World
from allocator.domain.inventory import Inventory
from allocator.domain.plan import Plan
from allocator.domain.policy import Effort
from allocator.goal import Tiers
from allocator.metrics import Metrics
from allocator.minutes import Minutes
from allocator.planning.trust import checked_id, checked_plan
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.service.standing import Proposal, Standing

if TYPE_CHECKING:
    from allocator.execution.attempts import Patience
    from allocator.execution.connect import Connections
    from allocator.execution.elsewhere import Elsewhere, Homeless, Nowhere
    from allocator.execution.gates import Gates
    from allocator.execution.report import Progress, Report

EFFORT: Final = Effort()
Way = Literal["apply", "resume", "retry", "cancel"]


class Running:
    """What a runner of plans needs of a fleet that others change meanwhile."""

    def __init__(
        self,
        world: World,
        standing: Standing,
        rules: Sequence[Rule],
        tiers: Tiers,
        minutes: Minutes,
        metrics: Metrics,
    ) -> None:
        self._world, self._standing, self._rules, self._tiers = world, standing, rules, tiers
        self._minutes, self._metrics = minutes, metrics

    def connections(self, inventory: Inventory) -> Connections:
        """Drivers and agents for one run, before which all runs wait at the same gates."""
        from allocator.execution.connect import Connections

        return Connections(inventory, metrics=self._metrics, gates=self._gates)

    @cached_property
    def _gates(self) -> Gates:
        from allocator.execution.gates import Gates

        return Gates()

    async def run(
        self,
        plan: Plan,
        way: Way,
        patience: Patience | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Carry out a plan, or undo it. Raises PlanError."""
        import asyncio

        from allocator.execution.runner import PATIENCE, run
        from allocator.execution.watching import watched

        facts = {"apply": self._reserved, "cancel": self._written}.get(way, self._checked)
        # In a thread, since another may solve a batch meanwhile: plans that are running must not wait for that.
        inventory = await asyncio.to_thread(facts, plan)
        async with self.connections(inventory) as connections:
            with watched(plan, self._metrics, progress) as told:
                return await run(
                    plan,
                    self._standing.held(),
                    inventory,
                    connections,
                    back=way == "cancel",
                    afresh=way == "retry",
                    patience=PATIENCE if patience is None else patience,
                    progress=told,
                    again=self._again,
                )

    def _reserved(self, plan: Plan) -> Inventory:
        """Check a plan, and reserve it unless it is: the inventory with its volumes."""
        return self._trusted(plan, plan)

    def _checked(self, plan: Plan) -> Inventory:
        """Check a plan, which is reserved already or over."""
        return self._trusted(plan, Plan.of((), ()))

    def _trusted(self, plan: Plan, wanted: Plan) -> Inventory:
        """Check a plan, as it is carried out by now, and reserve what is wanted of it."""
        checked_id(plan)

        def propose(screen: Screen) -> Proposal[Inventory]:
            inventory = screen.fleet.inventory
            volumes = checked_plan(self._standing.held().content(plan), self._world, inventory, self._rules)
            names, grounds = [volume.name for volume in volumes], partial(self._minutes.of_plan, "given")
            return Proposal(inventory.plus(volumes), lambda: wanted, names, volumes, grounds=grounds)

        return self._standing.agree(propose)

    def _written(self, plan: Plan) -> Inventory:
        """The inventory with the volumes of a plan, whether or not rules still agree with them."""
        inventory = self._copy()
        return inventory.plus(self._world.hold(self._standing.held().content(plan).volumes, inventory))

    def _again(self, homeless: Homeless) -> Elsewhere | Nowhere:
        from allocator.service.elsewhere import decide_again

        return decide_again(homeless, self._standing.held(), self._copy, self._rules, self._tiers, EFFORT)

    def _copy(self) -> Inventory:
        with self._standing.lock:
            return self._standing.screen().fleet.inventory.copy()
