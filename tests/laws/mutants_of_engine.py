"""Wrong parts of what all rules and goals stand on: sums, gates, checks, and the ranking of one VM."""

from __future__ import annotations

from tests.laws.mutants import Mutant

SUMS = (
    Mutant("engine", "a view forgets who left", "domain.inventory:_Overlay._moved", "for name in self._gone",
           "for name in ()",
           "laws"),
    Mutant("engine", "totals forget who left for good", "domain.inventory:Inventory._remove",
           "self._count_everywhere(volume, -1)", "None", "laws"),
    Mutant("engine", "arrays forget who was tried", "tallies:Tallies.remove", "tally[number] -= amount", "pass",
           "laws"),
    Mutant("engine", "arrays forget who settled", "fleet:Fleet.settle", "self._tallies.count(volume, 1)", "None",
           "laws"),
    Mutant("engine", "the check looks at pools only", "domain.placement:Touched.by",
           "{host for volume in changed for host in volume.hosts}", "()", "laws"),
    Mutant("engine", "the check forgets where a volume was", "domain.placement:Touched.by",
           "{volume.pool for volume in changed}", "{volume.pool for volume in changed[:1]}", "laws"),
    Mutant("engine", "the check looks at pools and hosts, not at racks", "excess:stated", 'if known["elsewhere"]',
           "if False", on="limits"),
    Mutant("engine", "the check keeps the limits of one place for all", "excess:stated", "known.get(place)",
           "next(iter(known.values()), None)", "laws", "limits"),
    Mutant("exclusivity", "the check waits for a second promise", "excess:excess",
           "inventory.total(limit.where, label) < 1", "inventory.total(limit.where, label) < 2", "laws", "limits"),
    Mutant("near", "the check wants two of the group", "excess:excess", "inventory.total(limit.unless, label) > 0",
           "inventory.total(limit.unless, label) > 1", "laws", "limits"),
    Mutant("engine", "what fits the check in one place fits in all", "sums:_Usual._amiss_at", "yield from misfits",
           "pass", "laws"),
    Mutant("resources", "limits that only some meet are not summed", "sums:_Usual._is_kept",
           "before.total(charge, label) + more > known[label]", "False", "laws"),
    Mutant("engine", "volumes bring the same to every host", "domain.amounts:Amounts.of", ", request.host_resources)",
           ")"),
    Mutant("state", "to the check everybody is new", "excess:total",
           " and inventory.is_new(volume, charge.over, label)", ""),
)  # fmt: skip

GATES = (
    Mutant("exclusivity", "a gate that is shut is open", "slack:Slack.holds",
           "mask |= (now < self.gate.least) | (now > self.gate.most)", "pass", "laws"),
    Mutant("engine", "one pool asked again has no gate", "slack:Slack.holds_at", "if self.gate is None", "if True"),
    Mutant("engine", "one pool asked again has its gate open", "slack:Slack.holds_at",
           "gate < _at(self.gate.least, position)", "gate <= _at(self.gate.least, position)"),
    Mutant("exclusivity", "who makes a limit hold looks for one that holds", "limits:Limit._gated",
           "_where(comes == 0, 1, 0)", "1", "laws"),
    Mutant("engine", "who makes a limit hold minds it where it holds already", "limits:Limit._gated",
           "_where(more == 0, 0, UNLIMITED)", "UNLIMITED"),
    Mutant("near", "who is of the group has to wait for it", "limits:Limit._gated", "(more == 0) | (comes > 0)",
           "more == 0", "laws"),
)  # fmt: skip

RANKING = (
    Mutant("engine", "the ranking does not ask again", "way:Way.after", "tests.open_at(position)", "True", "laws"),
    Mutant("apart", "what is far is not asked again", "way:Way.after", "if tests.far", "if False", "laws"),
    Mutant("engine", "what is shared bounds as if it were not", "way:Way._bound", "if all(adds_up)", "if True"),
    Mutant("engine", "what is free is thought to be open", "closing:Tests.free", "mask = open_",
           "mask = np.ones_like(open_)", "laws"),
    Mutant("engine", "what was free is not asked again", "closing:Tests.first", " and self.is_free(first)", ""),
    Mutant("engine", "what the VM itself takes is free for its next volume", "way:Way.after",
           "if tests.is_free(position)", "if True"),
    Mutant("engine", "the ranking takes the first seat", "rank:_Search.run", "bound >= self.best.cost", "True", "laws"),
    Mutant("engine", "a seat is taken before others were looked at", "rank:_Search._seats",
           "heap[0][:2] < (lowest, seat.number)", "True", "laws"),
    Mutant("engine", "the ranking takes the first choice", "rank:_Search._at", "self.best.cost <= bound", "True",
           "laws"),
    Mutant("engine", "the first piece of hosts is all", "seating:_Hosts.first", "found.append(party.rows[mask])",
           "None",
           "laws"),
    Mutant("engine", "what a goal wishes for is forgotten", "pricing:Pricing.costs",
           "self._sum(wishing, over, alike, only)", "0", "laws"),
    Mutant("engine", "the dearest is the least", "pricing:Pricing.lower", "cost.min(initial=ENDLESS)",
           "cost.max(initial=0)"),
    Mutant("engine", "what was found out holds for good", "outlook:Outlook.lasts",
           "known.found == self.fleet.departures", "known.found >= 0"),
)  # fmt: skip

MUTANTS_OF_ENGINE = (*SUMS, *GATES, *RANKING)
