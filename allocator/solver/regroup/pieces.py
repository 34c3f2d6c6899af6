"""A programme in pieces that share no row: each is solved by itself, and the answers are put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from allocator.fleet import IntArray
from allocator.solver.rows import ENDLESS, Program


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some columns of a programme with every row that reads them, and their costs by each objective in turn."""

    columns: IntArray
    program: Program
    objectives: tuple[IntArray, ...]

    def aimed(self, number: int, fixed: Sequence[int]) -> Program:
        """To minimise one objective with those before it at no more than given."""
        program = self.program
        rows = [(np.flatnonzero(costs), costs, most) for costs, most in zip(self.objectives, fixed, strict=False)]
        return Program(
            program.lower,
            program.upper,
            self.objectives[number],
            0,
            np.concatenate([program.starts, program.starts[-1] + np.cumsum([len(own) for own, _, _ in rows])]).astype(
                np.int64
            ),
            np.concatenate([program.columns, *(own for own, _, _ in rows)]),
            np.concatenate([program.factors, *(costs[own] for own, costs, _ in rows)]),
            np.concatenate([program.least, [-ENDLESS] * len(rows)]).astype(np.int64),
            np.concatenate([program.most, [most for _, _, most in rows]]).astype(np.int64),
            program.exact,
        )


def pieces(program: Program, objectives: Sequence[IntArray]) -> Iterator[Piece]:
    """Connected by rows, in the order of their first columns. Rows without columns are left out."""
    size = len(program.lower)
    if not size:
        return
    # A row joins all its columns to the first of them.
    firsts = program.columns[program.starts[:-1].clip(max=max(0, len(program.columns) - 1))]
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(size))
    graph.add_edges_from(zip(firsts[program.rows].tolist(), program.columns.tolist(), strict=True))
    piece_of = np.zeros(size, dtype=np.int64)
    count = 0
    for number, members in enumerate(nx.connected_components(graph)):
        piece_of[list(members)] = number
        count = number + 1
    by_column, by_row = np.argsort(piece_of, kind="stable"), np.argsort(piece_of[firsts], kind="stable")
    columns = np.split(by_column, np.cumsum(np.bincount(piece_of, minlength=count))[:-1])
    filled = np.diff(program.starts) > 0
    by_row = by_row[filled[by_row]]
    rows = np.split(by_row, np.cumsum(np.bincount(piece_of[firsts[filled]], minlength=count))[:-1])
    place = np.zeros(size, dtype=np.int64)
    for own, own_rows in zip(columns, rows, strict=True):
        place[own] = np.arange(len(own))
        yield Piece(own, _cut(program, own, own_rows, place), tuple(costs[own] for costs in objectives))


def _cut(program: Program, columns: IntArray, rows: IntArray, place: IntArray) -> Program:
    lengths = np.diff(program.starts)[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    entries = np.repeat(program.starts[rows] - starts[:-1], lengths) + np.arange(starts[-1])
    return Program(
        program.lower[columns],
        program.upper[columns],
        program.costs[columns],
        0,
        starts,
        place[program.columns[entries]],
        program.factors[entries],
        program.least[rows],
        program.most[rows],
        program.exact,
    )
