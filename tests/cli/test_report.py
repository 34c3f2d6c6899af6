"""Pages for people: of the fleet as it is, of moves and of placements, with every text from outside escaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import Allocator
from tests.cli.test_golden import GOLDEN, compare

FLEET = ("-f", GOLDEN / "fleet.yaml")


class Read(HTMLParser):
    """The cells of a page's tables, what it refers to, and its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.referred: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.referred += [value or "" for name, value in attrs if name in {"src", "href", "data", "action"}]
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data.strip()


def decided(allocator: Allocator, path: Path, *words: Any) -> Path:
    allocator(*words, *FLEET, "-o", path)
    return path


def test_page_of_moves(allocator: Allocator, tmp_path: Path) -> None:
    """What is approved in the morning: each move with its wave and why, pools before and after, and what is left."""
    moves = decided(allocator, tmp_path / "moves.json", "rebalance", "--drain", "kvm-02", "--drain", "nas-1")
    run = allocator("report", moves, "-o", tmp_path / "moves.html")
    assert (run.code, run.err) == (0, "")
    assert "partly: 1 move, 50 GiB, in 1 wave;" in run.out
    text = (tmp_path / "moves.html").read_text()
    compare(GOLDEN / "report_moves.html", text)
    rows = Read(text).rows
    assert ["1", "old-2", "nas-1", "sf-1", "50 GiB", "mends: state at pool nas-1: 1 too much, then none"] in rows
    assert ["nas-1", "capacity", "50 GiB", "0 B", "8 TiB"] in rows
    assert ["db-3", "kvm-02"] in rows


def test_page_of_a_placement(allocator: Allocator, tmp_path: Path) -> None:
    """R02: a refusal keeps its histogram and what would help."""
    plan = decided(allocator, tmp_path / "plan.json", "place", "-f", GOLDEN / "too_much.yaml")
    assert allocator("report", plan, "-o", tmp_path / "plan.html").code == 0
    rows = {row[0]: row for row in Read((tmp_path / "plan.html").read_text()).rows}
    refused = json.loads(plan.read_text())["refused"][0]
    assert refused["histogram"][0]["text"].removeprefix("offer") in rows[refused["request"]][2]
    assert rows[refused["request"]][3].startswith(refused["remedies"][0]["text"])


def test_page_of_the_fleet(allocator: Allocator, tmp_path: Path) -> None:
    """R05, R07: what is broken, and what is sold of each place, the fullest first."""
    run = allocator("report", *FLEET, "-f", GOLDEN / "retagged.yaml", "-o", tmp_path / "fleet.html", "--json")
    text = (tmp_path / "fleet.html").read_text()
    compare(GOLDEN / "report_fleet.html", text)
    rows = Read(text).rows
    assert ["tags", "old-1: pool sf-1 lacks tag ssd"] in rows
    names = [row[0] for row in rows]
    assert names.index("sf-1") < names.index("nas-1")  # a third of its IOPS are sold, and less than 1 % of the other
    assert set(json.loads(run.out)) == {"version", "findings", "pools", "hosts"}


def test_page_loads_and_runs_nothing(allocator: Allocator, tmp_path: Path) -> None:
    """Text from outside is text on the page too, whatever it looks like."""
    moves = decided(allocator, tmp_path / "moves.json", "rebalance", "--drain", "nas-1")
    evil = moves.read_text().replace("too much", "<script>alert(1)</script><img src=x>")
    moves.write_text(evil)
    assert allocator("report", moves, "-o", tmp_path / "page.html").code == 0
    read = Read((tmp_path / "page.html").read_text())
    assert read.elements.isdisjoint({"script", "img", "link", "iframe"})
    assert read.referred == []
    assert any("<script>alert(1)</script>" in cell for row in read.rows for cell in row)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"moves": [{"volume": 1}]}', '{"version": 1, "placed": "all"}'])
def test_of_anything_else_no_page_is_made(allocator: Allocator, tmp_path: Path, text: str) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(text)
    run = allocator("report", wrong, "-o", tmp_path / "page.html")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("wrong.json is no outcome of `place` or `rebalance`: at ")
    assert "Maybe name a file that their -o wrote." in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.json"]


def test_neither_outcome_nor_fleet(allocator: Allocator, tmp_path: Path) -> None:
    run = allocator("report", "-o", tmp_path / "page.html")
    assert (run.code, list(tmp_path.iterdir())) == (2, [])
    assert "There is neither an outcome nor a document." in run.err
