"""`rebalance`: what would move and why, before and after, and what no move mends."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Final

from allocator import Allocator
from allocator.cli import show
from allocator.cli.codes import DONE, FOUND
from allocator.cli.session import Given, whole_file
from allocator.cli.unheard import libraries_unheard
from allocator.domain.policy import Effort
from allocator.domain.rebalance import Aim
from allocator.domain.sizes import format_bytes, format_dimension
from allocator.planning.waves import AtOnce
from allocator.rebalance.outcome import Filled, Rebalance
from allocator.rebalance.telling import rebalance_json, summary_lines, why_words

LEASE_SECONDS: Final = 3600
"""How long a job that went away without a word, on another machine, keeps others from running."""


def rebalance(given: Given, output: Path | None, aim: Aim, effort: Effort, at_once: AtOnce) -> int:
    """Propose, write the plan where one is wanted, and show it."""
    with whole_file(output) as file, given.open() as allocator, _alone(allocator, effort):
        begun = perf_counter()
        with libraries_unheard():
            found = allocator.rebalance(aim, effort=effort, at_once=at_once)
        found = replace(found, seconds=round(perf_counter() - begun, 6))
        told = rebalance_json(found)
        if file is not None:
            json.dump(told, file, indent=2)
            file.write("\n")
    if given.as_json:
        show.data(told)
    else:
        _show(found)
        if output is not None and found.order.waves:
            show.say(f"{output} holds the moves in their order. Run them with `allocator apply`.")
    return FOUND if found.leaves_some else DONE


def _alone(allocator: Allocator, effort: Effort) -> AbstractContextManager[None]:
    """With a ledger one such job runs at a time: what two of them propose need not go together."""
    if allocator.ledger is None:
        return nullcontext()
    from allocator.execution.owner import may_live, this_process

    seconds = LEASE_SECONDS if effort.seconds is None else LEASE_SECONDS + ceil(effort.seconds)
    return allocator.ledger.job("rebalance", owner=this_process(), lease_seconds=seconds, alive=may_live)


def _show(found: Rebalance) -> None:
    show.table(
        ["VOLUME", "FROM", "TO", "SIZE", "WHY"],
        [
            [one.move.volume, one.move.source, one.move.target, format_bytes(one.move.size_bytes), why_words(one)]
            for one in found.moves
        ],
    )
    show.table(["POOL", "RULE", "BEFORE", "AFTER", "LIMIT", "USED", "THEN"], [_filled(one) for one in found.pools])
    summary, *more = summary_lines(found)
    show.say(f"{summary}; {found.seconds:.2f} s")
    for line in more:
        show.say(line, "yellow")


def _filled(one: Filled) -> list[str]:
    figures = [format_dimension(one.what, figure) for figure in (one.before, one.after, one.limit)]
    shares = [f"{-(-100 * figure // one.limit)}%" if one.limit else "" for figure in (one.before, one.after)]
    return [one.pool, one.what, *figures, *shares]
