"""`report`: a page of the fleet as it is, or of what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allocator import Allocator
from allocator.cli import show
from allocator.cli.checking import findings_json
from allocator.cli.codes import DONE, BadInput
from allocator.cli.place_rows import host_rows, pool_rows
from allocator.cli.session import Given, whole_file
from allocator.report.fleet import FleetTold
from allocator.report.outcome import ReportError, outcome_page
from allocator.report.page import Page


def report(given: Given, outcome: Path | None, output: Path) -> int:
    """Write the page."""
    with whole_file(output) as file:
        assert file is not None
        told, page = _of_fleet(given) if outcome is None else _of_outcome(outcome)
        file.write(page.html())
    if given.as_json:
        show.data(told)
    else:
        show.say(f"{output} holds the page: {'; '.join(page.facts)}.")
    return DONE


def _of_fleet(given: Given) -> tuple[dict[str, Any], Page]:
    if not given.files:
        raise BadInput("There is neither an outcome nor a document. Maybe name a file of `rebalance -o`, or add -f.")
    with given.open() as allocator:
        told = _fleet_json(allocator)
    return told, FleetTold.model_validate(told).page(", ".join(path.name for path in given.files))


def _fleet_json(allocator: Allocator) -> dict[str, Any]:
    return {
        "version": 1,
        "findings": findings_json(allocator.audit()),
        "pools": [data for _, data in pool_rows(allocator)],
        "hosts": [data for _, data in host_rows(allocator)],
    }


def _of_outcome(path: Path) -> tuple[dict[str, Any], Page]:
    try:
        page = outcome_page(path.read_text(encoding="utf-8"), path.name)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}. Maybe check its name.") from error
    except (UnicodeDecodeError, ReportError) as error:
        raise BadInput(str(error)) from error
    return {"version": 1, "facts": list(page.facts)}, page
