"""Why each move is made: what it changes alone, and what would be missing without it. Tried, not guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from allocator.domain.inventory import Inventory
from allocator.domain.move import Move
from allocator.domain.placement import Touched
from allocator.domain.sizes import format_count
from allocator.goal import Answer, Goal
from allocator.limits import Limit
from allocator.rebalance.broken import Subject
from allocator.rebalance.outcome import Effect, Proposed, Purpose
from allocator.rule import Rule, Violation


class Whys:
    """Explains the moves of one answer."""

    def __init__(
        self,
        moves: Sequence[Move],
        before: Inventory,
        after: Inventory,
        rules: Sequence[Rule],
        goals: Sequence[Goal],
    ) -> None:
        self.before, self.after, self.rules, self.goals = before, after, rules, goals
        self.moves = moves
        self._coming: dict[str, list[str]] = defaultdict(list)
        for move in moves:
            self._coming[move.target].append(move.volume)

    def proposed(self) -> Iterator[Proposed]:
        for move in self.moves:
            alone = tuple(self._alone(move))
            missing = tuple(self._missing(move))
            mends = any(effect.what not in self._names and effect.gain > 0 for effect in alone)
            needed = any(effect.what not in self._names for effect in missing)
            purpose: Purpose = "mends" if mends else "makes_room" if needed else "gains"
            companions = tuple(self._coming[move.source]) if purpose == "makes_room" else ()
            yield Proposed(move, purpose, alone, missing, companions)

    @property
    def _names(self) -> set[str]:
        return {goal.name for goal in self.goals}

    def _alone(self, move: Move) -> Iterator[Effect]:
        touched = Touched.by([move.now, move.then])
        now = self.before.plus([move.then])
        was, then = self._found(self.before, touched), self._found(now, touched)
        yield from _effects(was, then)
        yield from self._goals(self.before, now)

    def _missing(self, move: Move) -> Iterator[Effect]:
        touched = Touched.by([move.now, move.then])
        without = self.after.plus([move.now])
        whole, found = self._found(self.after, touched), self._found(without, touched)
        yield from (effect for effect in _effects(whole, found) if effect.gain < 0)
        yield from (effect for effect in self._goals(self.after, without) if effect.gain < 0)

    def _goals(self, here: Inventory, there: Inventory) -> Iterator[Effect]:
        for goal in self.goals:
            change = goal.cost(Answer(here, there, ()))
            if change:
                yield Effect(goal.name, goal.name, 0, change, f"{goal.name} {change:+,}")

    def _found(self, inventory: Inventory, touched: Touched) -> dict[Subject, Violation]:
        return {(v.rule, v.subject): v for rule in self.rules for v in rule.violations(inventory, touched)}


def _effects(before: Mapping[Subject, Violation], after: Mapping[Subject, Violation]) -> Iterator[Effect]:
    """What differs; two limits of one rule at one place are told once, by the larger change."""
    told: dict[tuple[str, str], Effect] = {}
    for subject in sorted({*before, *after}):
        was, then = before.get(subject), after.get(subject)
        now, later = (0 if found is None else found.amount for found in (was, then))
        if now == later:
            continue
        cause = (was or then).cause  # type: ignore[union-attr]
        show = cause.show if isinstance(cause, Limit) else format_count
        rule, what = subject
        place = " ".join(what[1:])
        told_before = f"{show(now)} too much, then " if now else ""
        told_after = "none" if now and not later else show(later) + ("" if now else " too much")
        effect = Effect(rule, place, now, later, f"{rule} at {place}: {told_before}{told_after}")
        known = told.get((rule, place))
        if known is None or abs(effect.gain) > abs(known.gain):
            told[rule, place] = effect
    yield from told.values()
