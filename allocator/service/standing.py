"""How the fleet stands now: the documents' places, with the volumes of the documents or of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from threading import RLock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from allocator.documents import World
from allocator.documents.recalling import Recall
from allocator.domain.carrying import passed_on_by
from allocator.domain.grounds import Grounds
from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Outcome
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.fleet import Fleet
from allocator.metrics import NO_METRICS, Metrics
from allocator.rule import Rule
from allocator.screen import Screen
from allocator.verify import worsened

if TYPE_CHECKING:
    from allocator.ledger import Delta, Facts, Ledger, Moment, Turn
    from allocator.ledger.plans import CheckedPlan

T = TypeVar("T")
TRIES: Final = 8
"""How often a decision is taken, if what other processes commit meanwhile breaks it."""

FEW: Final = 100
"""Changes that are always followed."""


class Contended(Exception):
    """Other processes changed the ledger faster than this one could decide."""


@dataclass(slots=True, eq=False)
class Proposal(Generic[T]):
    """An answer, and the plan that is to be reserved for it."""

    answer: T
    plan: Callable[[], Plan]
    names: Collection[str] = ()
    """Of all volumes that the answer is about, also of those that it leaves alone."""
    volumes: Sequence[Volume] | None = None
    """As they will be: they must break no rule. None: to find that out is to propose anew."""
    settles: bool = False
    """Whether they are so as soon as the plan is reserved."""
    again: Callable[[Screen], Proposal[T]] | None = None
    """A proposal on later facts, which keeps of this one what it can. None: there is nothing to keep."""
    grounds: Callable[[], Grounds] | None = None
    """What the history is to keep of the decision."""

    def checked(self) -> tuple[CheckedPlan, Grounds | None]:
        """What is given to the ledger."""
        from allocator.ledger import check_plan

        return check_plan(self.plan()), None if self.grounds is None else self.grounds()


class Standing:
    """A screen over the fleet that follows the ledger: what others change is read at the next call, and no more.

    One caller at a time: whoever decides on the screen holds `lock` until what was decided is reserved and settled.
    """

    def __init__(
        self, world: World, rules: Sequence[Rule], ledger: Ledger | None, metrics: Metrics = NO_METRICS
    ) -> None:
        self.world, self.rules, self.ledger, self.metrics = world, rules, ledger, metrics
        self.lock = RLock()
        self._recall = Recall(world)
        self._seen: Moment | None = None
        """What of the ledger is in the fleet; None: nothing, or half of a change that an interrupt left."""
        self._screen = Screen(Fleet(world.inventory), rules)

    def agree(
        self, propose: Callable[[Screen], Proposal[T]], swiftly: Callable[[Screen], Proposal[T]] | None = None
    ) -> T:
        """What is proposed for the fleet as of now, once it is reserved.

        What others commit meanwhile is looked at with the rules' own check: a proposal that still holds is not decided
        again. Else that is done at once by `swiftly`, if it is as swift as ranking, while others are kept waiting, so
        that it is in time; None: they are not kept waiting for a solver, and it is mended or proposed anew. Raises
        Contended.
        """
        if self.ledger is not None:
            self.ledger.sweep()
        proposal: Proposal[T] | None = None
        for _ in range(TRIES):
            with self.lock:
                screen = self.screen()
                proposal = (propose if proposal is None else proposal.again or propose)(screen)
                if self.ledger is None or not proposal.plan().steps:
                    return proposal.answer
                agreed = self._reserved(self.ledger, proposal, swiftly)
            came_to = "stale" if agreed is None else "taken" if agreed is proposal else "again"
            self.metrics.count("reservations", {"outcome": came_to})
            if agreed is not None:
                return agreed.answer
        raise Contended(
            f"The ledger changed under {TRIES} decisions in a row. Maybe let fewer processes place at once."
        )

    def screen(self) -> Screen:
        """The fleet as of now."""
        if self.ledger is not None and (self._seen is None or self.ledger.changes() != self._seen.changes):
            self._follow(self.ledger)
        return self._screen

    def give_up(self, outcome: Outcome) -> None:
        """Release what was reserved for an outcome that nobody waits for any longer."""
        if self.ledger is not None and outcome.plan.steps:
            self.ledger.give_up(outcome.plan)

    def held(self) -> Ledger:
        """The ledger. Raises LookupError where there is none."""
        if self.ledger is None:
            raise LookupError("This needs a ledger, which remembers what was made. Maybe --ledger sqlite:///ledger.db.")
        return self.ledger

    def _reserved(
        self, ledger: Ledger, proposal: Proposal[T], swiftly: Callable[[Screen], Proposal[T]] | None
    ) -> Proposal[T] | None:
        """What was reserved, in one transaction that nobody writes between; None: it has to be proposed anew."""
        wanted = proposal.checked()
        with ledger.deciding() as turn:
            late = turn.moment != self._seen
            changed = self._catch_up(turn)
            if changed is None:
                # All must be read again, which takes long: others do not wait for that.
                return None
            if late and not self._still(proposal, changed):
                if swiftly is None:
                    return None
                proposal = swiftly(self._screen)
                if not proposal.plan().steps:
                    return None
                wanted = proposal.checked()
            reserved = turn.reserve(*wanted)
        if reserved and proposal.settles and proposal.volumes:
            self._settle(proposal.volumes, (), replace(turn.moment, changes=turn.moment.changes + 1))
        return proposal

    def _catch_up(self, turn: Turn) -> set[str] | None:
        """The names of the volumes that others wrote or took away since; None where all must be read again."""
        assert self._seen is not None, "proposed on a screen, which has read the ledger"
        if turn.moment == self._seen:
            return set()
        delta = turn.since(self._seen, most=self._most)
        if delta is None:
            return None
        self._take_over(delta)
        return {str(document["name"]) for document in delta.documents} | set(delta.removed)

    def _still(self, proposal: Proposal[T], changed: set[str]) -> bool:
        """Whether it holds on the fleet as others have left it; what they did to its own volumes nobody can tell.

        Nor can anybody of a plan that only changes volumes: another may have bound them, which changes no facts.
        """
        if proposal.volumes is None or not changed.isdisjoint(proposal.names):
            return False
        return not changed or not worsened(self._screen.fleet.inventory, self.rules, proposal.volumes)

    def _follow(self, ledger: Ledger) -> None:
        delta = None if self._seen is None else ledger.since(self._seen, most=self._most)
        if delta is None:
            facts = ledger.facts()
            self._screen = Screen(Fleet(self._recorded(facts)), self.rules)
            self._seen = facts.moment
        else:
            self._take_over(delta)

    @property
    def _most(self) -> int:
        """Of how many changed volumes it is cheaper to follow them than to read everything again."""
        return max(FEW, len(self._screen.fleet.inventory.volumes))

    def _take_over(self, delta: Delta) -> None:
        inventory = self._screen.fleet.inventory
        arrivals = self._recall.volumes(delta.documents, inventory)
        written = {volume.name for volume in arrivals}
        went = dict.fromkeys(delta.removed)
        gone = [name for name in went if name not in written and inventory.find(name) is not None]
        carrying = {volume.name: volume for volume in passed_on_by(arrivals, gone, inventory)}
        self._settle([*({volume.name: volume for volume in arrivals} | carrying).values()], gone, delta.moment)

    def _settle(self, arrivals: Iterable[Volume], departures: Iterable[str], moment: Moment) -> None:
        """Change the fleet to what it is at a moment; interrupted half-way, it is read anew at the next call."""
        self._seen = None
        self._screen.fleet.settle(arrivals, departures)
        self._seen = moment

    def _recorded(self, facts: Facts) -> Inventory:
        """The documents' places as last observed, with the ledger's volumes and those found on devices (R07)."""
        base = self.world.inventory
        if base.volumes:
            raise LookupError("With a ledger the volumes are the ledger's. Maybe take `volumes` out of the documents.")
        pools = []
        for name, seen in facts.observations.items():
            pool = base.pools.get(name)
            if pool is not None:
                given = seen.default_qos.filled_from(pool.default_qos)
                pools.append(replace(pool, used_bytes=seen.used_bytes, default_qos=given))
        inventory = base.copy(instead=pools)
        volumes = self._recall.volumes(facts.documents, inventory)
        carrying = passed_on_by(volumes, (), inventory)
        inventory.settle(volumes)
        inventory.settle(carrying)
        return inventory
