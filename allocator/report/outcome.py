"""The page of what a command decided: the file that `place` or `rebalance` wrote."""

from __future__ import annotations

import json

from pydantic import ValidationError

from allocator.report.moves import MovesTold
from allocator.report.page import Page
from allocator.report.placement import PlacementTold


class ReportError(ValueError):
    """A file of which no page can be made."""


def outcome_page(text: str, title: str) -> Page:
    """The page of an outcome's JSON. Raises ReportError for anything else."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    form = MovesTold if isinstance(told, dict) and "moves" in told else PlacementTold
    try:
        return form.model_validate(told).page(title)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "its beginning"
        raise ReportError(
            f"{title} is no outcome of `place` or `rebalance`: at {where}: {first['msg']}. "
            "Maybe name a file that their -o wrote."
        ) from None
