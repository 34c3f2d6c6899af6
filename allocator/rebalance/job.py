"""One rebalance: mend what is broken with the fewest bytes, then gain what is worth its moves, and say why.

Rounds follow one another until one proposes nothing: so the same job, run right after its moves were made, proposes
nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from allocator.decide import Broken as Wrong
from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.policy import Effort, Policy
from allocator.domain.rebalance import Aim, Budget
from allocator.goal import Answer, Goal, Tiers
from allocator.goals import GOALS
from allocator.goals.balance import Balance
from allocator.goals.movement import Movement
from allocator.planning.waves import USUAL, AtOnce, waves
from allocator.rebalance.broken import Broken, mending, still
from allocator.rebalance.draining import check_names, drained_pools, emptied, vms_to_leave
from allocator.rebalance.emptying import emptied_one_by_one
from allocator.rebalance.fill import filled, usable
from allocator.rebalance.first_aid import first_aid
from allocator.rebalance.gaining import worth_moving
from allocator.rebalance.outcome import Rebalance
from allocator.rebalance.staying import staying
from allocator.rebalance.targets import Targets
from allocator.rebalance.why import Whys
from allocator.rule import Rule
from allocator.verify import worsened

ROUNDS: Final = 6
"""More were never needed (measured on random worlds); an answer is an answer after any of them."""


def rebalance(
    inventory: Inventory,
    rules: Sequence[Rule],
    tiers: Tiers,
    policy: Policy,
    aim: Aim,
    effort: Effort,
    at_once: AtOnce | None = None,
    made: Sequence[str] = (),
) -> Rebalance:
    """Moves towards the aim, in waves. No rule that holds is broken by them, and nothing that is broken gets worse.

    `made` are volumes that have moved already for the same budget. Raises LookupError for a name in `aim.drain` or
    `aim.pinned` that is not there.
    """
    volumes = [inventory.find(name) for name in made]
    left = aim.budget.less(0 if volume is None else volume.request.size_bytes for volume in volumes)
    found = _Job(inventory, rules, tiers, policy, replace(aim, budget=left), effort, at_once or USUAL).run()
    return replace(found, made=len(made))


class _Job:
    def __init__(
        self,
        inventory: Inventory,
        rules: Sequence[Rule],
        tiers: Tiers,
        policy: Policy,
        aim: Aim,
        effort: Effort,
        at_once: AtOnce,
    ) -> None:
        from allocator.solver.deadline import Deadline

        check_names(inventory, aim)
        self.start = emptied(inventory, aim.drain)
        self.rules, self.tiers, self.policy, self.aim, self.effort = rules, tiers, policy, aim, effort
        self.at_once = at_once
        self.deadline = Deadline(effort.seconds)
        pools = None if aim.mends_all else frozenset(drained_pools(inventory, aim.drain))
        self.broken = Broken.now(self.start, rules, pools)
        self.goals = _goals(policy, rules, aim)
        self.balance = Balance(policy, rules)
        """Between pools that mend alike."""
        self.movement = Movement(policy, rules)
        self.moved: dict[str, Volume] = {}
        self.bound: int | None = 0

    def run(self) -> Rebalance:
        for _ in range(ROUNDS):
            found = self._round()
            if not found or self.deadline.passed():
                break
        after = self._now()
        moves = self._moves(self.moved)
        wrong = worsened(self.start, self.rules, [move.then for move in moves])
        if wrong:
            raise Wrong(f"The moves break {wrong[0].rule} at {' '.join(wrong[0].subject)} by {wrong[0].amount}.")
        return self._told(moves, after)

    def _round(self) -> bool:
        """Take what one look at the fleet as it is by now proposes."""
        found = self._mended() if self.aim.mends_all or self.aim.drain else []
        taken = self._take(found)
        if taken and self.aim.budget.per_target is None:
            self._take(self._settled(found))
        for goal in self.goals:
            if self._take(self._gained(goal)):
                # Moves that mend nothing have no bound below which none could be.
                taken, self.bound = True, None
        return taken

    def _mended(self) -> list[Move]:
        from allocator.solver.regroup.mend import mend

        here = self._now()
        movable = self._movable(here)
        now = Broken.now(here, self.rules, self.broken.pools)
        wanted = mending(now, movable, here, self.rules)
        if wanted is None:
            return []
        budget, part = self._budget(), self.deadline.part(0.6 if self.aim.gains else 0.9)
        quick = first_aid(movable, here, self.rules, self.balance, wanted, budget, part.part(0.5).passed)
        mended = mend(movable, here, self.rules, self.policy, wanted, budget, self.effort, part)
        moves = min(mended.moves, quick, key=lambda moves: self._worth(moves, here, now))
        if moves:
            self.bound = None if self.moved else mended.bound
        return moves

    def _worth(self, moves: Sequence[Move], here: Inventory, broken: Broken) -> tuple[int, int]:
        """What moves leave broken, and what they take."""
        after = here.plus(move.then for move in moves)
        left = broken.cost(one for one in still(broken, after, self.rules) if broken.is_wanted(one, here))
        return left, self.movement.cost(Answer(here, after, ()))

    def _settled(self, moves: Sequence[Move]) -> list[Move]:
        """What must move anyway goes where it evens out load, the largest first, for no further move or dearer way."""
        here = self._now()
        targets = Targets(here, self.rules, self.balance, Budget())
        for move in sorted(moves, key=lambda move: (-move.size_bytes, move.volume)):
            if self.deadline.passed():
                break
            home = self.start.volumes[move.volume].pool
            now = targets.fleet.inventory
            most = self._moving([move.then])
            others = (there for there in targets.of(now.volumes[move.volume]) if there.pool != home)
            then = next((there for there in others if self._moving([there]) <= most), None)
            if then is not None and self.balance.cost(Answer(now, now.plus([then]), ())) < 0:
                targets.make(then)
        return list(targets.moves.values())

    def _moving(self, moved: Iterable[Volume]) -> int:
        """What it costs to move these volumes there."""
        return self.movement.cost(Answer(self.start, self.start.plus(moved), ()))

    def _gained(self, goal: Goal) -> list[Move]:
        here, budget = self._now(), self._budget()
        if not goal.adds_up:
            part = self.deadline.part(0.8)
            return emptied_one_by_one(here, self.rules, self.policy, self._may_move, budget, self.effort, part)
        return worth_moving(
            self._movable(here), here, self.rules, goal, self.aim.worthwhile, budget, self.effort, self.deadline
        )

    def _now(self) -> Inventory:
        return self.start.plus(self.moved.values()).copy() if self.moved else self.start

    def _movable(self, here: Inventory) -> list[Volume]:
        found = [volume for volume in here.all_volumes() if self._may_move(volume)]
        return sorted(found, key=lambda volume: volume.name)

    def _may_move(self, volume: Volume) -> bool:
        """A pool that is down is never the source of a copy."""
        return self.aim.may_move(volume) and self.start.pools[self.start.volumes[volume.name].pool].state != "down"

    def _take(self, moves: Sequence[Move]) -> bool:
        """Moves on top of those so far; what comes back to where it was has not moved. Whether they were taken."""
        moved = self.moved | {move.volume: move.then for move in moves}
        moved = {name: then for name, then in moved.items() if then.pool != self.start.volumes[name].pool}
        fits = bool(moves) and self.aim.budget.allows(self._moves(moved))
        if not fits or worsened(self.start, self.rules, moved.values()):
            return False
        self.moved = moved
        return True

    def _moves(self, moved: Mapping[str, Volume]) -> list[Move]:
        return [Move(self.start.volumes[name], moved[name]) for name in sorted(moved)]

    def _budget(self) -> Budget:
        return self.aim.budget.less(volume.request.size_bytes for volume in self.moved.values())

    def _told(self, moves: Sequence[Move], after: Inventory) -> Rebalance:
        answer = Answer(self.start, self.start.plus(move.then for move in moves), ())
        goals: dict[str, tuple[int, int | None]] = {"movement": (self.movement.cost(answer), self.bound)}
        goals |= {goal.name: (goal.cost(answer), None) for goal in self.goals}
        wanted = self.broken.wanted(self.start)
        subjects = {(violation.rule, violation.subject) for violation in wanted}
        left = [v for v in still(self.broken, after, self.rules) if (v.rule, v.subject) in subjects]
        whys = Whys(moves, self.start, after, self.rules, self.goals)
        touched = sorted({pool for move in moves for pool in (move.source, move.target)})
        return Rebalance(
            after=after,
            moves=tuple(whys.proposed()),
            order=waves(moves, self.start, self.rules, at_once=self.at_once),
            pools=tuple(filled(self.start, after, self.rules, touched)),
            usable=tuple(usable(self.start, after, self.rules)),
            staying=tuple(staying(left, after, self.rules, self.tiers, self._may_move, self._budget().spent)),
            vms=tuple(vms_to_leave(after, self.aim.drain)),
            broken=(self.broken.cost(wanted), self.broken.cost(left)),
            goals=goals,
            deterministic=self.effort.deterministic and not self.deadline.hit,
        )


def _goals(policy: Policy, rules: Sequence[Rule], aim: Aim) -> list[Goal]:
    known = {goal.name: goal for goal in GOALS}
    return [known[aim.gains](policy, rules)] if aim.gains else []
