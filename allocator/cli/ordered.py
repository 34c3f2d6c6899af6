"""`apply` of moves in waves: each wave is carried out on fresh facts, and what is left is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from allocator import Allocator
from allocator.cli import show
from allocator.cli.codes import DONE, FOUND, STOPPED
from allocator.cli.progress import watching
from allocator.execution.waves import Moved
from allocator.planning.ordered import moves_of


def move(allocator: Allocator, waves: Iterable[Iterable[Mapping[str, Any]]], *, as_json: bool) -> int:
    """Carry out moves, or go on with them."""
    moves = moves_of(waves, allocator.world, allocator.inventory)
    try:
        with watching(0) as progress:
            moved = asyncio.run(allocator.move(moves, progress=progress))
    except KeyboardInterrupt:
        show.complain("Stopped; what was done is on record. The same command goes on from there.")
        return STOPPED
    if as_json:
        show.data(_json(moved))
    else:
        _show(moved)
    return DONE if moved.stopped is None else FOUND


def _json(moved: Moved) -> dict[str, Any]:
    left = [{"volume": one.volume, "from": one.source, "to": one.target} for one in moved.left]
    return {
        "version": 1,
        "plans": [asdict(report) for report in moved.reports],
        "left": left,
        "stopped": moved.stopped,
    }


def _show(moved: Moved) -> None:
    rows = [
        [volume.volume, volume.state.replace("_", " "), report.plan]
        for report in moved.reports
        for volume in report.volumes
    ]
    left = [[one.volume, f"stays on {one.source}", ""] for one in moved.left]
    show.table(["VOLUME", "STATE", "PLAN"], [*rows, *left])
    if moved.stopped is None:
        show.say(f"{len(rows):,} moves done", "green")
    else:
        show.say(f"stopped: {moved.stopped}", "red")
