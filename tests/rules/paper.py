"""A rule's numbers, worked out on paper: a tiny world, what is asked of it, and where that fits.

Every reader of the rule is asked: the screen, the ranking, the solver, the check of what was touched and the audit of
everything. All must say what the paper says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool, Tenant
from allocator.domain.policy import Effort, Policy
from allocator.domain.request import Request
from allocator.rank import rank
from allocator.rule import Rule
from allocator.solver.search import solve
from allocator.testing.brute import audit
from allocator.testing.filters import closing
from allocator.testing.solving import solutions
from allocator.testing.trial import Trial
from allocator.testing.worlds import World
from allocator.verify import worsened


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the paper.

    `fits` lists every target that a single VM may take, as `pool` or `pool@host`, `pool/1` for its second alternative
    where it has several, and `pool+pool@host` for two volumes; `opens` lists what the screen alone leaves open, where
    that is more. For a batch of several VMs `at_best` says how many
    volumes can be placed. `broken` lists what is broken before anything is asked.
    """

    says: str
    asked: Request | tuple[Request, ...]
    fits: str
    pools: Sequence[Pool]
    hosts: Sequence[Host] = ()
    placed: Sequence[Volume] = ()
    tenants: Sequence[Tenant] = ()
    policy: Policy = Policy()
    broken: Mapping[str, int] = field(default_factory=dict)
    at_best: int | None = None
    opens: str | None = None

    def __str__(self) -> str:
        return self.says.replace(" ", "_")

    def trial(self, *rules: type[Rule]) -> Trial:
        asked = self.asked if isinstance(self.asked, tuple) else (self.asked,)
        inventory = Inventory(self.pools, self.hosts, self.placed, tenants=self.tenants)
        return Trial(World(inventory, asked, self.policy, self.says), rules, most_picks=5_000)


def misread(case: Case, *rules: type[Rule]) -> Iterator[str]:
    """What readers of the rules say that the paper does not."""
    trial = case.trial(*rules)
    found = {" ".join(subject): amount for (_, subject), amount in audit(trial.inventory, trial.rules).items()}
    if found != case.broken:
        yield f"{case.says}: broken is {found}, on paper {dict(case.broken)}"
    opens = case.fits if case.opens is None else case.opens
    readings: Iterator[tuple[str, object, object]] = _of_one(trial, set(case.fits.split()), set(opens.split()))
    if case.at_best is not None:
        readings = _of_a_batch(trial, case.at_best)
    for reader, said, paper in readings:
        if said != paper:
            yield f"{case.says}: {reader} says {said}, the paper {paper}"


def _of_one(trial: Trial, paper: set[str], opens: set[str]) -> Iterator[tuple[str, object, object]]:
    (unit,) = trial.units
    screen = trial.screen()
    every = [option for option, _ in trial.alone[unit.name]]
    yield "the audit", {told(option) for option, fine in trial.alone[unit.name] if fine}, paper
    yield "the check", {told(option) for option in every if not worsened(trial.inventory, trial.rules, option)}, paper
    if len(unit.requests) == 1:
        yield "the screen", {told(option) for option in every if not closing(screen, option)}, opens
    solved = {told(volumes) for volumes in solutions(trial.model(trial.units)) if volumes}
    yield "the solver", solved, paper
    choice = rank(unit.requests, screen, trial.tiers)
    ranked = set() if choice is None else {told(choice.volumes)}
    yield "the ranking", ranked, ranked & paper or set(sorted(paper)[:1])


def _of_a_batch(trial: Trial, at_best: int) -> Iterator[tuple[str, object, object]]:
    yield "brute force", max(sum(len(option or ()) for option in pick) for pick in trial.together), at_best
    found = solve(trial.units, trial.inventory, trial.rules, trial.tiers, Effort())
    yield "the solver", sum(map(len, found.placed.values())), at_best


def told(volumes: Sequence[Volume]) -> str:
    by_name = sorted(volumes, key=lambda volume: volume.name)
    pools = [v.pool if len(v.request.alternatives) == 1 else f"{v.pool}/{v.asked.index}" for v in by_name]
    return "+".join(pools) + "".join(f"@{host}" for host in volumes[0].hosts)
