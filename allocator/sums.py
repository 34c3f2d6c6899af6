"""The check of sums and of fits, all at once: what is left to ask of the rules after a change.

What a volume adds to the limits that every request meets, and whether it fits, rests on what it wishes for and on what
the place is like: both are worked out once for all that are alike. A rule is asked only where something is amiss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Touched, Volume
from allocator.domain.places import Place, Pool
from allocator.domain.request import Request
from allocator.fitting import FitRule
from allocator.fleet import Ask
from allocator.limits import Limit, LimitRule
from allocator.rule import Rule, Violation
from allocator.slack import ENDLESS

MOST_KNOWN: Final = 10_000
"""Wishes of which is kept what they meet at places of one kind; beyond it all are forgotten."""
Spot = tuple[str, str]
"""`pool` or `host`, and its name."""
Moves = dict[Spot, list[tuple[Volume, int]]]
Question = Callable[[Inventory, Touched | None], Iterable[Violation]]
Stated = tuple[LimitRule, Limit, int, int]
"""A rule's limit at places of one kind, and which of their charges it sums and which decides whether it holds (-1)."""
Met = tuple[tuple[int, ...], tuple[FitRule, ...], tuple[int, ...]]
"""What a volume adds to each charge of a place, the rules by which it does not fit there, and which of the stated
limits it has to do with."""


def left_to_ask(
    rules: Sequence[Rule], before: Inventory, came: Sequence[Volume], gone: Sequence[Volume]
) -> list[Question]:
    """What has to be asked before and after a change to tell what it breaks; the rest breaks nothing more."""
    if any(volume.moving_to is not None for volume in (*came, *gone)):
        return [rule.violations for rule in rules]
    known = before.figures(tuple(rules))
    if not came and not gone:
        return []
    if "usual" not in known:
        known["usual"] = _Usual(rules, (came or gone)[0].request, before)
    usual: _Usual = known["usual"]
    return usual.left(before, came, gone)


class _Kind:
    """Places at which the same limits are stated, to which equal volumes add the same and that they fit alike."""

    def __init__(self, limits: Sequence[tuple[LimitRule, Limit]], fitting: Sequence[FitRule]) -> None:
        self._fitting = fitting
        summed = (charge for _, limit in limits for charge in (limit.charge, limit.gate) if charge is not None)
        self.charges = tuple(dict.fromkeys(summed))
        number = {charge: number for number, charge in enumerate(self.charges)}
        self.stated: tuple[Stated, ...] = tuple(
            (rule, limit, number[limit.charge], -1 if limit.gate is None else number[limit.gate])
            for rule, limit in limits
        )
        self.nothing = (0,) * len(self.charges)
        self._known: dict[tuple[object, ...], Met] = {}

    def met(self, volume: Volume, place: Place) -> Met:
        """What a volume meets at a place of the kind."""
        key = volume.request.wishes, volume.alternative, volume.asked
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            added = tuple([charge.of(volume.request, volume.alternative, place) for charge in self.charges])
            misfits = tuple([rule for rule in self._fitting if _complaint(rule, volume, place) is not None])
            concerned = [
                number
                for number, (_, _, summed, deciding) in enumerate(self.stated)
                if added[summed] or (deciding >= 0 and added[deciding])
            ]
            found = self._known[key] = added, misfits, tuple(concerned)
        return found


class _Usual:
    """What every request meets over the places of one inventory."""

    def __init__(self, rules: Sequence[Rule], request: Request, inventory: Inventory) -> None:
        self._pools, self._hosts = inventory.pools, inventory.hosts
        self._fitting = [rule for rule in rules if isinstance(rule, FitRule) and _is_usual(rule, FitRule)]
        summing = [rule for rule in rules if isinstance(rule, LimitRule) and _is_usual(rule, LimitRule)]
        self._limits = {
            rule: limits
            for rule in summing
            if rule.reads == "wishes" and isinstance(limits := rule.limits(request, inventory), tuple) and limits
            if all(_is_at_place(limit) and not limit.held for limit in limits)
        }
        self._own = [rule for rule in summing if rule not in self._limits]
        self._limits_over: dict[str, list[tuple[LimitRule, Limit]]] = {"pool": [], "host": []}
        for rule, limits in self._limits.items():
            for limit in limits:
                self._limits_over[limit.charge.over].append((rule, limit))
        self._own_alone = [rule for rule in self._own if rule.reads != "groups"]
        self._questions = [(rule, rule.violations, self._rest(rule)) for rule in rules]
        self._alone = [question for question in self._questions if question[0].reads != "groups"]
        self._kinds: dict[object, _Kind] = {}
        self._at: dict[Spot, tuple[_Kind, tuple[int, ...], Place]] = {}
        self._unlike: dict[object, frozenset[Rule]] = {}

    def _rest(self, rule: Rule) -> Question | None:
        """What is left to ask of a rule whose sums and fits are in order."""
        if isinstance(rule, LimitRule) and (rule in self._limits or rule in self._own):
            return None if type(rule).further is LimitRule.further else rule.further
        return None if rule in self._fitting else rule.violations

    def left(self, before: Inventory, came: Sequence[Volume], gone: Sequence[Volume]) -> list[Question]:
        amiss: set[Rule] = set()
        for volume in (*came, *gone):
            amiss |= self._strange(volume.request, before)
        for spot, moved in _moves(came, gone).items():
            amiss.update(self._amiss_at(spot, moved, before))
        grouped = any(volume.request.grouped for volume in (*came, *gone))
        own = self._own if grouped else self._own_alone
        amiss.update([rule for rule in own if not _is_kept(rule, before, came, gone)])
        questions: list[Question] = []
        for rule, full, rest in self._questions if grouped else self._alone:
            if rule in amiss:
                questions.append(full)
            elif rest is not None and (gone or not rule.clears(came, before)):
                questions.append(rest)
        return questions

    def _strange(self, request: Request, inventory: Inventory) -> frozenset[Rule]:
        """Rules by which this request meets other limits than most."""
        found = self._unlike.get(request.wishes)
        if found is None:
            if len(self._unlike) >= MOST_KNOWN:
                self._unlike.clear()
            limits = self._limits.items()
            found = frozenset(rule for rule, usual in limits if rule.limits(request, inventory) is not usual)
            self._unlike[request.wishes] = found
        return found

    def _amiss_at(self, spot: Spot, moved: Sequence[tuple[Volume, int]], before: Inventory) -> Iterator[Rule]:
        """Rules that somebody may break at one place who did not before."""
        kind, limits, place = self._at.get(spot) or self._met(spot)
        label, grown = spot[1], kind.nothing
        concerned: Iterable[int] = ()
        for volume, sign in moved:
            added, misfits, numbers = kind.met(volume, place)
            if misfits and sign > 0 and not volume.foreign:
                yield from misfits
            if grown is kind.nothing and sign > 0:
                grown, concerned = added, numbers
            else:
                grown = tuple([old + sign * more for old, more in zip(grown, added, strict=True)])
                concerned = {*concerned, *numbers}
        for number in concerned:
            rule, limit, summed, deciding = kind.stated[number]
            more, turns = grown[summed], 0 if deciding < 0 else grown[deciding]
            if (more <= 0 and not turns) or before.total(limit.charge, label) + more <= limits[number]:
                continue
            if limit.where is not None and before.total(limit.where, label) + turns < 1:
                continue
            if limit.unless is not None and before.total(limit.unless, label) + turns > 0:
                continue
            # What is new rather than much is left to the rule.
            yield rule

    def _met(self, spot: Spot) -> tuple[_Kind, tuple[int, ...], Place]:
        """The kind of a place, and its limits."""
        over, name = spot
        place: Place = self._pools[name] if over == "pool" else self._hosts[name]
        at_most = [(one, one[1].of(place)) for one in self._limits_over[over]]
        limits = tuple([one for one, most in at_most if most < ENDLESS])
        fits = [rule.sees_pool(place) if isinstance(place, Pool) else rule.sees_host(place) for rule in self._fitting]
        summed = [(limit.charge.sees(place), limit.gate and limit.gate.sees(place)) for _, limit in limits]
        key = over, limits, tuple(fits), tuple(summed)
        kind = self._kinds.get(key)
        if kind is None:
            kind = self._kinds[key] = _Kind(limits, self._fitting)
        found = self._at[spot] = kind, tuple([most for _, most in at_most if most < ENDLESS]), place
        return found


def _is_kept(rule: LimitRule, before: Inventory, came: Iterable[Volume], gone: Iterable[Volume]) -> bool:
    """Whether limits that only some requests meet are not above what they were, told by their sums alone.

    A volume adds to no limit that does not concern its request.
    """
    grown: dict[tuple[Limit, str], int] = {}
    for volumes, sign in ((came, 1), (gone, -1)):
        for volume in volumes:
            for limit in rule.limits(volume.request, before):
                if limit.gate is not None or limit.arrivals or limit.held:
                    return False
                for label, place in before.places(volume, limit.charge.over):
                    more = sign * limit.charge.of(volume.request, volume.alternative, place)
                    if more:
                        grown[limit, label] = grown.get((limit, label), 0) + more
                        most = before.figures(limit)
                        if label not in most:
                            most[label] = limit.of(place)
    return not grown or all(
        more <= 0 or before.total(limit.charge, label) + more <= before.figures(limit)[label]
        for (limit, label), more in grown.items()
    )


def _is_usual(rule: FitRule | LimitRule, shape: type[Rule]) -> bool:
    """Whether the rule is checked as its shape says; a fit may rest on wishes only."""
    return type(rule).violations is shape.violations and (shape is LimitRule or rule.reads == "wishes")


def _is_at_place(limit: Limit) -> bool:
    return limit.charge.over in ("pool", "host")


def _complaint(rule: FitRule, volume: Volume, place: Place) -> str | None:
    ask = Ask.of(volume)
    return rule.pool_complaint(ask, place) if isinstance(place, Pool) else rule.host_complaint(ask, place)


def _moves(came: Iterable[Volume], gone: Iterable[Volume]) -> Moves:
    """What came to each place (1) and what left it (-1)."""
    found: Moves = defaultdict(list)
    for volumes, sign in ((came, 1), (gone, -1)):
        for volume in volumes:
            found["pool", volume.pool].append((volume, sign))
            for host in volume.hosts:
                found["host", host].append((volume, sign))
    return found
