"""The laws that every rule obeys, written once. Each looks at one trial and tells what it finds wrong.

For a rule of your own, try it alone and among the others in a few hundred worlds:

    for seed in range(300):
        for rules in ([MyRule], [*RULES, MyRule]):
            assert not list(complaints(Trial(random_world(seed), rules), RULE_LAWS))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Final

import numpy as np

from allocator.domain.inventory import Inventory
from allocator.fleet import Fleet
from allocator.rank import rank
from allocator.rule import Rule, Violation
from allocator.screen import Screen
from allocator.testing.brute import arriving, audit, flat, options
from allocator.testing.filters import asks_of, closed_rows, closing
from allocator.testing.trial import Trial, shown
from allocator.verify import worsened

Law = Callable[[Trial], Iterator[str]]


def complaints(trial: Trial, laws: Sequence[Law]) -> Iterator[str]:
    """All that the laws find wrong with one trial; each complaint names the law, the world and the rules."""
    for law in laws:
        for complaint in law(trial):
            yield f"{law.__name__}: {trial}: {complaint}"


def exact_for_one(trial: Trial) -> Iterator[str]:
    """`rank` refuses exactly when placing that VM alone makes a violation or worsens one."""
    for unit in trial.units:
        allowed = {shown(option) for option, fine in trial.alone[unit.name] if fine}
        choice = rank(unit.requests, trial.screen(), trial.tiers)
        if choice is None and allowed:
            yield f"rank refuses {unit.name}, which fits: {min(allowed)}"
        if choice is not None and shown(choice.volumes) not in allowed:
            yield f"rank places {shown(choice.volumes)}, which does not fit"


def filter_is_check(trial: Trial) -> Iterator[str]:
    """A VM of one volume fits a target exactly where no rule's filter closes it.

    A rule that is not monotone may leave a target open that only the complete answer shows to be closed.
    """
    screen = trial.screen()
    monotone = {rule.name for rule in trial.rules if rule.monotone}
    for unit in trial.units:
        if len(unit.requests) == 1:
            for option, fine in trial.alone[unit.name]:
                closed = closing(screen, option)
                if fine and closed:
                    yield f"{shown(option)} fits, yet is closed by {closed}"
                elif not fine and not closed:
                    broken = {violation.rule for violation in worsened(trial.inventory, trial.rules, option)}
                    if broken & monotone:
                        yield f"{shown(option)} breaks {broken}, yet no filter closes it"


def filter_knows_rows(trial: Trial) -> Iterator[str]:
    """A filter says the same of some rows as of all of them."""
    fleet = trial.screen().fleet
    every_other = {over: np.arange(len(fleet.places(over)), dtype=np.int64)[::-2] for over in ("pool", "host")}
    for rule in trial.rules:
        for ask in asks_of(trial):
            pools, hosts = every_other["pool"], every_other["host"]
            for over, rows, everywhere, some in (
                ("pool", pools, rule.open_pools(ask, fleet), rule.open_pools(ask, fleet, pools)),
                ("host", hosts, rule.open_hosts((ask,), fleet), rule.open_hosts((ask,), fleet, hosts)),
            ):
                # To say nothing is to leave all open.
                whole = np.ones(len(fleet.places(over)), dtype=np.bool_) if everywhere is None else everywhere
                part = np.ones(len(rows), dtype=np.bool_) if some is None else some
                if not np.array_equal(whole[rows], part):
                    yield f"{rule.name} says {everywhere} of all {over}s and {some} of rows {rows}"


def never_loses_an_answer(trial: Trial) -> Iterator[str]:
    """What a filter refuses is in no joint answer."""
    screen = trial.screen()
    coming = frozenset(r.group for unit in trial.few for r in unit.requests if r.group is not None)
    seen = set()
    for pick in trial.together:
        for option in filter(None, pick):
            if option not in seen:
                seen.add(option)
                closed = closing(screen, option, coming)
                if closed:
                    yield f"{shown(option)} is closed by {closed}, yet part of {shown(flat(pick))}"


def check_sees_enough(trial: Trial) -> Iterator[str]:
    """`verify`, which looks at what was touched only, judges as a full audit does."""
    for unit in trial.units:
        for option, fine in trial.alone[unit.name]:
            found = worsened(trial.inventory, trial.rules, option)
            if fine == bool(found):
                yield f"{shown(option)}: the audit says {fine}, verify finds {found}"
    for unit in trial.homes:
        for option in options(unit, trial.inventory) if unit.home else ():
            fine = trial.judge.allows(option)
            found = worsened(trial.inventory, trial.rules, arriving(option, trial.inventory))
            if fine == bool(found):
                yield f"{shown(unit.home)} to {shown(option)}: the audit says {fine}, verify finds {found}"
    for name in trial.inventory.volumes:
        fine, found = trial.judge.allows((), [name]), worsened(trial.inventory, trial.rules, (), [name])
        if fine == bool(found):
            yield f"without {name}: the audit says {fine}, verify finds {found}"


def one_amount_per_subject(trial: Trial) -> Iterator[str]:
    """A rule has one amount for a subject, else it could not be compared with what it was before."""
    options = [option for unit in trial.units for option, _ in trial.alone[unit.name]]
    for after in (trial.inventory, *map(trial.inventory.plus, options)):
        for rule in trial.tried:
            amounts: dict[tuple[str, ...], int] = {}
            for violation in rule.violations(after):
                if amounts.setdefault(violation.subject, violation.amount) != violation.amount:
                    yield f"{rule.name} breaks {violation.subject} by {violation.amount} and by another amount"


def tally_is_recount(trial: Trial) -> Iterator[str]:
    """Whatever comes, goes or is tried, the sums kept as it happens are those counted from nothing."""
    rng = Random(trial.world.name)  # noqa: S311
    inventory = trial.inventory.copy()
    fleet = Fleet(inventory)
    screen = Screen(fleet, trial.rules)
    closed_rows(screen, trial)
    audit(inventory, trial.rules)
    for unit in trial.units:
        here = list(inventory.all_volumes())
        coming = rng.choice([option for option, _ in trial.alone[unit.name]] or [()])
        leaving = [rng.choice(here).name] if here and rng.random() < 0.5 else []
        change = f"{shown(coming)} in, {', '.join(leaving) or 'nothing'} out"
        yield from _recounted(f"{change}, as a view", inventory.plus(coming, leaving), trial)
        tried = [replace(volume, hosts=()) for volume in coming]
        for volume in tried:
            fleet.add(volume)
        yield from _screened(f"{change}, tried", screen, inventory.plus(tried), trial)
        for volume in tried:
            fleet.remove(volume)
        fleet.settle(coming, leaving)
        yield from _recounted(f"{change}, settled", inventory, trial)
        yield from _screened(f"{change}, settled", screen, inventory, trial)


def reasons_speak(trial: Trial) -> Iterator[str]:
    """Each reason names its rule, its subject and numbers; each closed place has a phrase."""
    for unit in trial.units:
        for option, fine in trial.alone[unit.name]:
            if not fine:
                after = trial.inventory.plus(option)
                for rule in trial.tried:
                    for violation in rule.violations(after):
                        yield from _mute(rule, violation, after)
    fleet = trial.screen().fleet
    for ask in asks_of(trial):
        for rule in trial.tried:
            for over, mask in (("pool", rule.open_pools(ask, fleet)), ("host", rule.open_hosts((ask,), fleet))):
                rows = np.flatnonzero(~mask) if mask is not None else np.empty(0, dtype=np.int64)
                if len(rows) and rule.phrase((ask,), fleet, rows, over) in ("", f"break rule {rule.name}"):
                    yield f"{rule.name} closes {over} rows {rows} without a word"


def _recounted(when: str, inventory: Inventory, trial: Trial) -> Iterator[str]:
    come = [volume for volume in inventory.all_volumes() if volume.name in inventory.arrivals]
    again = inventory.copy(without=inventory.arrivals).plus(come)
    kept, counted = audit(inventory, trial.rules), audit(again, trial.rules)
    if kept != counted:
        yield f"{when}: kept sums break {kept}, a recount {counted}"


def _screened(when: str, screen: Screen, inventory: Inventory, trial: Trial) -> Iterator[str]:
    kept, anew = closed_rows(screen, trial), closed_rows(Screen(Fleet(inventory.copy()), trial.rules), trial)
    if kept != anew:
        yield f"{when}: the filters close {kept}, on a new fleet {anew}"


def _mute(rule: Rule, violation: Violation, after: Inventory) -> Iterator[str]:
    reason = rule.reason(violation, after)
    if reason.rule != rule.name or not reason.numbers or not reason.text:
        yield f"{rule.name} says of {violation} only {reason}"
    elif reason.subject not in reason.text:
        yield f"{rule.name} does not name {reason.subject} in {reason.text!r}"
    elif reason.numbers.get("amount", violation.amount) != violation.amount:
        yield f"{rule.name} gives {reason.numbers} for {violation}"


RULE_LAWS: Final[tuple[Law, ...]] = (
    exact_for_one,
    filter_is_check,
    filter_knows_rows,
    check_sees_enough,
    one_amount_per_subject,
    never_loses_an_answer,
    tally_is_recount,
    reasons_speak,
)
