"""Wrong solvers: models that say something else, bounds that lie above answers, answers that nobody checked."""

from __future__ import annotations

from tests.laws.mutants import Mutant

MODEL = (
    Mutant("solver", "the model holds what is broken to its limit", "solver.model:Model.require_at_most",
           "max(0, b - limit) for", "0 for", "laws"),
    Mutant("solver", "the model forgets what cannot move", "solver.model:Model._starts",
           "_Sum(before, sum(now), sum(now))", "_Sum(before, 0, sum(now))", "laws"),
    Mutant("solver", "a machine that moves leaves its second host", "solver.counts:Counts._host_rows",
           "for name in home[0].hosts]", "for name in home[0].hosts[:1]]", "laws"),
    Mutant("solver", "out of reach is out for good", "solver.counts:Counts._stays", "if not home", "if True", "laws"),
    Mutant("solver", "other QoS needs no agent", "solver.counts:Counts._open_hosts",
           "ask.asked != unit.home[index].asked", "False", "laws"),
    Mutant("solver", "a hint forgets who goes where", "solver.unfold:hint",
           'counts["flow", *key, model.group_of[(*key, row)], k] += 1', "pass", "laws", "testing.solving"),
    Mutant("solver", "a hint forgets what follows", "solver.unfold:hint",
           "told[derived.variable.index] = derived.at(worth)", "told[derived.variable.index] = 0", "laws",
           "testing.solving"),
    Mutant("solver", "all of a class go to its first pool", "solver.unfold:_seated",
           "left[u, index, ask, row] -= 1", "pass"),
)  # fmt: skip

BOUNDS = (
    Mutant("solver", "units alone bound what others mend", "solver.greedy:_shape",
           "screen.mended(unit.requests)", "False", "laws"),
    Mutant("solver", "places that are shared are paid for by each", "solver.greedy:_alone", "cost if counts else 0",
           "cost", "laws"),
    Mutant("solver", "what moves gains nothing", "solver.greedy:_least", "len(coming) < len(draft.units)", "False",
           "laws"),
    Mutant("solver", "a VM that is here already is one of many", "solver.greedy:_shapes", "key = vm if held else",
           "key = ", "laws"),
    Mutant("solver", "what is refused for another bounds what it would have cost", "solver.tiers:Climb.run",
           "self.costs[:number] != least[:number]", "False", "laws"),
    Mutant("solver", "no part but the dearest has a bound", "solver.search:_added", "sum(bounds) if",
           "max(bounds, default=0) if", "laws"),
    Mutant("solver", "a part forgets who is coming", "solver.parts:_places",
           "screen.asks(request, coming)", "screen.asks(request)"),
    Mutant("solver", "what merged hosts cannot keep is kept", "solver.tiers:Climb._adopt",
           "ladder.exact or not worsened", "True or not worsened", "laws"),
    Mutant("solver", "a price below nothing proves something", "solver.bulk.programme:Programme.ceiling",
           "np.maximum(duals, 0.0)", "duals"),
    Mutant("solver", "no variable has a limit of its own", "solver.bulk.programme:Programme.ceiling",
           "(left * most).sum()",
           "0.0"),
    Mutant("solver", "what evenness costs is a refusal", "solver.bulk.counted:Counted.refused_at_least",
           " - self._for_evenness", ""),
    Mutant("solver", "of places that differ the dearest counts", "solver.bulk.counted:_least", ".min(axis=1)",
           ".max(axis=1)"),
    Mutant("solver", "what every way takes is taken twice", "solver.bulk.counted:Counted._kinds_of",
           "table - least for table in tables", "table for table in tables"),
    Mutant("solver", "local pools are out of reach", "solver.bulk.counted:Counted._reach",
           "reach[number, self.hosts.of[local[local >= 0]]] = True", "pass"),
    Mutant("solver", "equal pools are one pool", "solver.contents.ceiling:proven", "len(shelf.rows) * at_most(",
           "1 * at_most(", on="solver.contents.repack"),
    Mutant("solver", "who is refused is paid for all the same", "solver.contents.ceiling:_whole",
           "any(contents.most) or", ""),
    Mutant("solver", "what is cut counts for nothing", "solver.contents.stock:_in_parts",
           "return total + -(-value * room // need)", "return total"),
)  # fmt: skip

THOUSANDS = (
    Mutant("solver", "one more than the group may have", "solver.bulk.few:Few.narrow",
           "taken + bound.amounts > bound.most", "taken > bound.most"),
    Mutant("solver", "the group's old members do not count", "solver.bulk.few:Few.concern",
           "{} if new else self.fleet.inventory.totals(limit.charge)", "{}"),
    Mutant("solver", "who leaves is counted twice", "solver.bulk.few:Few.take", "sign * int(", "int("),
    Mutant("solver", "what weighs less is kept", "solver.bulk.reseat:Reseating._step", "if after < before", "if False"),
    Mutant("solver", "what had to leave is not paid for", "solver.bulk.reseat:Reseating._step",
           "self.cost -= after - before", "self.cost -= after"),
    Mutant("solver", "what had to leave is forgotten", "solver.bulk.reseat:Reseating._step",
           "self.refused[other.name] = other, its", "pass"),
    Mutant("solver", "shelves are empty when a batch comes", "solver.contents.shelves:_now", "if limit.arrivals",
           "if True"),
    Mutant("solver", "sums are all that rules say", "solver.contents.shelves:_complete", "return plain and",
           "return True or"),
    Mutant("solver", "two ways to keep one unit are two units", "solver.contents.stock:_grown",
           "closed = unit_of[starts][:, None] == unit_of[None, :]",
           "closed = np.arange(size) == starts[:, None]"),
)  # fmt: skip

MUTANTS_OF_SOLVER = (*MODEL, *BOUNDS, *THOUSANDS)
