"""What operators see of a decision: how long it took, what was placed, what was refused and by which rules."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

from allocator.domain.outcome import Outcome
from allocator.logs import logger
from allocator.metrics import NO_METRICS, Metrics

_LOG: Final = logger(__name__)
T = TypeVar("T", bound=Outcome)


class Refused(Exception):
    """An outcome that its caller gets as an exception."""

    def __init__(self, text: str, outcome: Outcome) -> None:
        super().__init__(text)
        self.outcome = outcome


def answered(decide: Callable[[], T], metrics: Metrics) -> T:
    """What a decision comes to. Where nobody counts and nobody listens, that is all."""
    if metrics is NO_METRICS and not _LOG.isEnabledFor(logging.INFO):
        return decide()
    started = perf_counter()
    try:
        outcome = decide()
    except Refused as refused:
        _tell(refused.outcome, perf_counter() - started, metrics)
        raise
    _tell(outcome, perf_counter() - started, metrics)
    return outcome


def _tell(outcome: Outcome, seconds: float, metrics: Metrics) -> None:
    metrics.observe("place", {}, seconds)
    if outcome.placed:
        metrics.count("placements", {}, len(outcome.placed))
    kinds = Counter(str(refusal.kind) for refusal in outcome.refused)
    rules = Counter(rule for refusal in outcome.refused for rule in refusal.because)
    for kind, number in kinds.items():
        metrics.count("refusals", {"kind": kind}, number)
    for rule, number in rules.items():
        metrics.count("refusals_by_rule", {"rule": rule}, number)
    placed, refused = len(outcome.placed), len(outcome.refused)
    told = {"event": "decided", "placed": placed, "refused": refused, "rules": dict(rules), "seconds": seconds}
    _LOG.info("%d requests placed, %d refused", placed, refused, extra=told)
