"""Records are written and read as they are, compared case by case, and shown as tables and charts."""

from __future__ import annotations

import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.__main__ import cli
from bench.charts import Line, chart
from bench.compare import changes
from bench.datasets.figures import Figures
from bench.record import Measure, Record, machine
from bench.results import page
from bench.scale import exponent

MEASURES = {"share": Measure("more", 0.002), "cpu_seconds": Measure("less", 0.25)}


def record(*figures: dict[str, Any], command: str = "batch") -> Record:
    return Record(command, figures, MEASURES, [], [], {"cores": 2, "processor": "p", "python": "3.11", "commit": "c"})


def figure(seed: int, share: float, cpu_seconds: float) -> dict[str, Any]:
    return {
        "case": "small", "tightness": "0.85", "seed": seed, "share": share, "cpu_seconds": cpu_seconds,
        "wall_seconds": 2 * cpu_seconds, "peak_mib": 100, "curve": [[0.5, share / 2], [1.0, share]],
        "baselines": {"best-fit": {"share": 0.9, "cpu_seconds": 1.0}},
    }  # fmt: skip


def test_R26_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = record(figure(1, 0.99, 4.0))
    written.write(tmp_path / "sub" / "a.json")
    assert Record.read(tmp_path / "sub" / "a.json") == Record(
        "batch", list(written.figures), MEASURES, [], [], written.machine
    )


def test_R26_what_is_no_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ValueError, match="is no record of version 1"):
        Record.read(tmp_path / "a.json")


def test_R26_medians_of_the_seeds_that_both_have_are_compared() -> None:
    """Seeds 1 and 2 are in both. Shares 0.98 and 0.99 before, 0.97 and 0.98 after; CPU 4 and 6, then 4 and 8."""
    before = record(figure(1, 0.98, 4.0), figure(2, 0.99, 6.0), figure(3, 0.5, 99.0))
    after = record(figure(1, 0.97, 4.0), figure(2, 0.98, 8.0))
    share, cpu = changes(before, after)
    assert (share.name, share.before, share.after, share.worse()) == ("share", 0.985, 0.975, True)
    assert (cpu.before, cpu.after, cpu.ratio, cpu.worse(), cpu.worse(0.1)) == (5.0, 6.0, 1.2, False, True)
    assert share.line().endswith("x 0.990  WORSE")


def test_R26_a_baseline_that_was_not_run_is_no_share() -> None:
    text = page({"a": record(figure(1, 0.98, 4.0) | {"baselines": {}})})["README.md"]
    assert "| small at 0.85 | 1 | 98.00 | 98.00 |  | 8.00 | 4.00 | 100 |" in text


def test_R26_compare_exits_with_1_where_something_got_worse(tmp_path: Path) -> None:
    record(figure(1, 0.98, 4.0)).write(tmp_path / "a.json")
    record(figure(1, 0.99, 3.0)).write(tmp_path / "b.json")
    record(figure(1, 0.99, 3.0), command="scale").write(tmp_path / "c.json")

    def told(*names: str) -> tuple[int, str]:
        found = CliRunner().invoke(cli, ["compare", *(str(tmp_path / name) for name in names)])
        return found.exit_code, found.output

    assert told("a.json", "b.json")[0] == 0
    assert told("b.json", "a.json")[0] == 1
    assert "One is of batch and the other of scale" in told("a.json", "c.json")[1]


def test_R26_the_page_holds_a_table_and_the_charts_that_it_names(tmp_path: Path) -> None:
    record(figure(1, 0.98, 4.0), figure(2, 0.99, 6.0)).write(tmp_path / "small.json")
    found = CliRunner().invoke(cli, ["results", "--folder", str(tmp_path)])
    assert found.exit_code == 0
    text = (tmp_path / "README.md").read_text()
    assert "| small at 0.85 | 2 | 98.50 | 98.00 | 90.00 | 10.00 | 5.00 | 100 |" in text
    assert "![small-quality.svg](small-quality.svg)" in text
    assert (tmp_path / "small-quality.svg").read_text().startswith("<svg")


def test_R26_any_other_record_is_shown_as_it_is() -> None:
    text = page({"waves": record({"case": "d|10", "cost": 1200, "ratio": 0.5}, command="waves")})["README.md"]
    assert "| case | cost | ratio |\n| --- | ---: | ---: |\n| d/10 | 1,200 | 0.50 |" in text


def test_R26_public_instances_are_shown_by_family() -> None:
    """Gaps of 0 and 0.5 %, one of two proven, one of three without an answer; CPU 1, 2 and 60 s."""
    found = [
        Figures("D", "d1", 200, 200, 200, None, 1.0, 9, 9, 1.0),
        Figures("D", "d2", 201, 199, 200, None, 2.0, 9, 9, 2.0),
        Figures("D", "d3", None, 199, 200, None, 60.0, 8, 9, 60.0),
    ]
    text = page({"gap": record(*(one.record() for one in found), command="gap")})["README.md"]
    assert "| D | 3 | 2 | 1 | 1 of 2 | 0.25 | 0.50 | 2.00 |" in text


def test_R26_what_was_mended_and_what_was_gained_are_tables_of_their_own() -> None:
    mended, gained = {"case": "m", "gap": 0.25}, {"case": "g", "gained": 1200}
    text = page({"r": record(mended, gained, command="rebalance")})["README.md"]
    assert "| case | gap |\n| --- | ---: |\n| m | 0.25 |\n\n| case | gained |" in text


def test_R26_a_chart_is_well_formed_and_puts_points_where_they_belong() -> None:
    """On a logarithmic axis of 1 to 100 the 10 lies in the middle of the 418 pixels from 72 to 490."""
    svg = chart("a < b", "x", "y", [Line("n & m", [(1, 1), (10, 10), (100, 100)])], logarithmic=True)
    root = Xml.fromstring(svg)
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert circles == [(72.0, 308.0), (281.0, 174.0), (490.0, 40.0)]
    assert root.attrib["aria-label"] == "a < b"
    assert "Nothing was measured" in chart("t", "x", "y", [Line("zero", [(0, 0)])], logarithmic=True)


def test_R26_the_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([(1, 3), (2, 12), (4, 48)]) == pytest.approx(2)
    assert exponent([(5, 1), (5, 2)]) is None


def test_R26_a_record_names_the_machine() -> None:
    found = machine()
    assert found["packages"].keys() == {"ortools", "numpy"}
    assert len(found["load"]) == 3
