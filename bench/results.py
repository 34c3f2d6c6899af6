"""`python -m bench results`: the records in `bench/results/` as one page of tables, with charts beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import click

from bench.charts import Line, chart
from bench.record import HERE, Figure, Record
from bench.scale import exponent

Made = tuple[list[str], dict[str, str]]
"""Lines of Markdown, and SVG by file name."""
FOLDER: Final = HERE / "results"


@click.command()
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=FOLDER,
    show_default="bench/results",
    help="Where the JSON files are, and where the page goes.",
)
def results(folder: Path) -> None:
    """Turn what `--json` wrote into README.md and SVG charts."""
    records = {path.stem: Record.read(path) for path in sorted(folder.glob("*.json"))}
    for name, content in page(records).items():
        (folder / name).write_text(content)
        click.echo(f"wrote {folder / name}")


def page(records: Mapping[str, Record]) -> dict[str, str]:
    """The page and its charts by file name, of records by theirs."""
    lines = [
        "# Results",
        "",
        "Made by `python -m bench results` from the JSON files beside it. Machines are shared: CPU time says more than",
        "wall time, and a ratio more than either.",
    ]
    charts: dict[str, str] = {}
    for name, record in records.items():
        lines += ["", f"## {name}", "", about(record), ""]
        told, drawn = SHOWN.get(record.command, _plain)(name, record)
        charts |= drawn
        lines += told
        lines += ["", *(f"![{each}]({each})" for each in drawn)] if drawn else []
        lines += ["", *(f"- MISSED {text}" for text in record.missed)] if record.missed else []
    return {"README.md": "\n".join(lines) + "\n"} | charts


def about(record: Record) -> str:
    """What was run, and where."""
    found = record.machine
    load = ", ".join(map(str, found.get("load", [])))
    return (
        f"`bench {record.command}` at commit {found.get('commit')}, on {found.get('cores')} cores "
        f"({found.get('processor')}), Python {found.get('python')}, load at the end {load}."
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table; numbers stand to the right."""
    marks = ["---:" if all(isinstance(row[at], int | float) for row in rows) else "---" for at in range(len(heads))]
    return [
        f"| {' | '.join(heads)} |",
        f"| {' | '.join(marks)} |",
        *(f"| {' | '.join(_shown(cell) for cell in row)} |" for row in rows),
    ]


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", "/")


def _by_case(record: Record) -> dict[str, list[Figure]]:
    found: dict[str, list[Figure]] = defaultdict(list)
    for figure in record.figures:
        found[str(figure["case"])].append(figure)
    return found


def _batch(name: str, record: Record) -> Made:
    rows, lines = [], []
    for case, found in _by_case(record).items():
        shares = [figure["share"] for figure in found]
        best = [max(ran["share"] for ran in figure["baselines"].values()) for figure in found if figure["baselines"]]
        rows.append(
            (
                f"{case} at {found[0]['tightness']}",
                len(found),
                100 * median(shares),
                100 * min(shares),
                100 * median(best) if best else "",
                median(figure["wall_seconds"] for figure in found),
                median(figure["cpu_seconds"] for figure in found),
                max(figure["peak_mib"] for figure in found),
            )
        )
        lines += [Line(f"{case}, seed {figure['seed']}", figure["curve"]) for figure in found]
    heads = ("case", "seeds", "median %", "least %", "best baseline %", "wall s", "CPU s", "peak MiB")
    svg = chart("Placed, of what the bound allows", "seconds", "share", lines)
    return table(heads, rows), {f"{name}-quality.svg": svg}


def _latency(name: str, record: Record) -> Made:
    found = [figure for figure in record.figures if "p50" in figure]
    rows = [tuple(figure[key] for key in ("case", "pools", "hosts", "p50", "p99", "most")) for figure in found]
    lines = []
    for what in ("p50", "p99"):
        zone = sorted((figure["pools"] / figure["zones"], figure[what]) for figure in found)
        lines.append(Line(what, zone))
    svg = chart("One VM placed", "pools of a zone", "us of CPU", lines, logarithmic=True)
    told = table(("case", "pools", "hosts", "p50 us", "p99 us", "most us"), rows)
    kept = [figure for figure in record.figures if "cpu_p50" in figure]
    told += [
        f"\n{figure['case']}: p50 {figure['cpu_p50']:,} us, p99 {figure['cpu_p99']:,} us of CPU." for figure in kept
    ]
    return told, {f"{name}-pools.svg": svg}


def _proven(name: str, record: Record) -> Made:
    rows = []
    for case, found in _by_case(record).items():
        whole = sum(figure["placed"] == figure["asked"] for figure in found)
        proven = sum(figure["proven"] for figure in found)
        slowest, middle = max(f["wall_seconds"] for f in found), median(f["cpu_seconds"] for f in found)
        rows.append((case, len(found), proven, whole, slowest, middle))
    return table(("case", "seeds", "proven", "all placed", "slowest s", "CPU s, median"), rows), {}


def _scale(name: str, record: Record) -> Made:
    rows, charts = [], {}
    by: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for figure in record.figures:
        for measure in record.measures:
            if measure in figure:
                by[measure, figure["axis"]].append((figure["point"], figure[measure]))
    for (measure, axis), points in by.items():
        slope = exponent(points)
        ends = sorted(points)
        fitted = "" if slope is None else round(slope, 2)
        rows.append((measure, axis, f"{ends[0][0]:,} to {ends[-1][0]:,}", ends[0][1], ends[-1][1], fitted))
    for measure in record.measures:
        lines = [Line(axis, sorted(points)) for (name_, axis), points in by.items() if name_ == measure]
        if lines:
            charts[f"{name}-{measure}.svg"] = chart(measure, "size of the axis", measure, lines, logarithmic=True)
    return table(("figure", "axis", "from", "first", "last", "exponent"), rows), charts


def _roadef(name: str, record: Record) -> Made:
    """What is left at the end of each time, and as lines over time."""
    budgets = sorted({figure["allowed_seconds"] for figure in record.figures})
    rows, lines = [], []
    for case, found in _by_case(record).items():
        by = {figure["allowed_seconds"]: figure for figure in found}
        costs = [by[seconds]["cost"] if seconds in by else "" for seconds in budgets]
        last = by[max(by)]
        gaps = [last[key] if last[key] is not None else "" for key in ("above", "behind")]
        late = max(figure["seconds"] / figure["allowed_seconds"] for figure in found)
        judged = all(figure["judged"] for figure in found)
        rows.append((case, found[0]["start"], *costs, *gaps, late, "yes" if judged else "no"))
        lines.append(Line(case, [(s, by[s]["above"]) for s in sorted(by) if by[s]["above"] is not None]))
    told = [f"{seconds:g} s" for seconds in budgets]
    heads = ("case", "start", *told, "above the bound %", "to the winner %", "of the time", "judged")
    svg = chart("Above the published bound", "seconds", "% of the start", lines, logarithmic=True)
    return table(heads, rows), {f"{name}-curve.svg": svg}


def _public(name: str, record: Record) -> Made:
    """Public instances, by family."""
    families: dict[str, list[Figure]] = defaultdict(list)
    for figure in record.figures:
        families[figure["family"]].append(figure)
    rows = []
    for family, found in families.items():
        gaps = [figure["gap"] for figure in found if figure["gap"] is not None]
        rows.append(
            (
                family,
                len(found),
                sum(figure["value"] is not None for figure in found),
                sum(figure["proven"] for figure in found),
                f"{gaps.count(0.0)} of {len(gaps)}",
                sum(gaps) / len(gaps) if gaps else "",
                max(gaps, default=""),
                median(figure["cpu_seconds"] for figure in found),
            )
        )
    heads = (
        "family",
        "instances",
        "placed whole",
        "proven",
        "optimum reached",
        "mean gap %",
        "most %",
        "CPU s, median",
    )
    return table(heads, rows), {}


def _rebalance(name: str, record: Record) -> Made:
    """What was mended, and what was gained under budgets: each has figures of its own."""
    kinds = [[figure for figure in record.figures if key in figure] for key in ("gap", "gained")]
    tables = [_plain(name, replace(record, figures=found))[0] for found in kinds if found]
    return [line for lines in tables for line in ["", *lines]][1:], {}


def _plain(name: str, record: Record) -> Made:
    """Any other record: whatever figures it holds that are numbers or text."""
    heads = [key for key, value in record.figures[0].items() if isinstance(value, int | float | str)]
    rows: list[list[Any]] = [[figure.get(key, "") for key in heads] for figure in record.figures]
    return table(heads, rows), {}


SHOWN: Final[Mapping[str, Callable[[str, Record], Made]]] = {
    "batch": _batch,
    "latency": _latency,
    "small": _proven,
    "planted": _proven,
    "scale": _scale,
    "roadef": _roadef,
    "vectorpack": _public,
    "gap": _public,
    "rebalance": _rebalance,
}
