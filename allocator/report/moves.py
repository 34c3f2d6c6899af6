"""The page of a rebalance: each move with why, wave by wave, and every pool before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sized

from pydantic import Field

from allocator.domain.sizes import format_bytes, format_dimension
from allocator.report.page import Bar, Cell, Page, table
from allocator.report.told import Told


class _Move(Told):
    volume: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    bytes: int
    why: str


class _Wave(Told):
    moves: list[str]
    bytes: int
    seconds: int | None


class _Blocked(Told):
    volume: str
    text: str


class _Pool(Told):
    pool: str
    rule: str
    before: int
    after: int
    limit: int


class _Usable(Told):
    rule: str
    before: int
    after: int


class _Staying(Told):
    text: str
    why: str


class _Vm(Told):
    vm: str
    host: str


class MovesTold(Told):
    """What `allocator rebalance -o` writes."""

    status: str
    moves: list[_Move]
    waves: list[_Wave]
    staged: list[str]
    blocked: list[_Blocked]
    pools: list[_Pool]
    usable: list[_Usable]
    staying: list[_Staying]
    vms: list[_Vm]

    def page(self, title: str) -> Page:
        moved = {move.volume: move for move in self.moves}
        return Page(
            f"Moves of {title}",
            list(self._facts()),
            [
                table("What stays broken", "WHAT WHY", ([one.text, one.why] for one in self.staying)),
                table(
                    "For the control plane to do", "VM HOST", ([one.vm, one.host] for one in self.vms),
                    "Hosts are its own: each of these VMs must leave its host.",
                ),
                table(
                    "What has no place in any order", "VOLUME WHY", ([one.volume, one.text] for one in self.blocked)
                ),
                table("Pools, before and after", "POOL RULE BEFORE AFTER LIMIT", map(_pool, self.pools)),
                table(
                    "Moves, in their order", "WAVE VOLUME FROM TO SIZE WHY", self._moves(moved),
                    "A wave begins when the one before it is done; no state on the way breaks a rule.",
                ),
            ],
        )  # fmt: skip

    def _facts(self) -> Iterator[str]:
        size = sum(move.bytes for move in self.moves)
        yield f"{self.status}: {_many(self.moves, 'move')}, {format_bytes(size)}, in {_many(self.waves, 'wave')}"
        if self.staged:
            yield f"{_many(self.staged, 'move')} by way of a third pool"
        if self.waves and all(wave.seconds is not None for wave in self.waves):
            yield f"{sum(wave.seconds or 0 for wave in self.waves):,} s of copying"
        for one in self.usable:
            before, after = (format_dimension(one.rule, amount) for amount in (one.before, one.after))
            if one.before != one.after:
                yield f"usable {one.rule}: {before}, then {after}"

    def _moves(self, moved: dict[str, _Move]) -> Iterator[list[Cell]]:
        for number, wave in enumerate(self.waves, start=1):
            for name in wave.moves:
                move = moved.get(name)
                if move is not None:
                    yield [str(number), name, move.source, move.target, format_bytes(move.bytes), move.why]


def _pool(one: _Pool) -> list[Cell]:
    before, after, limit = (format_dimension(one.rule, amount) for amount in (one.before, one.after, one.limit))
    return [one.pool, one.rule, before, Bar(one.before, one.after, one.limit, after), limit]


def _many(things: Sized, word: str) -> str:
    return f"{len(things):,} {word}{'' if len(things) == 1 else 's'}"
