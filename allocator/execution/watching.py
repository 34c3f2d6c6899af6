"""What operators see of a running plan: a count, a duration and a log line for each step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

from allocator.domain.plan import INVERSE, Plan
from allocator.execution.report import Progress
from allocator.ledger import LostLease
from allocator.logs import logger
from allocator.metrics import Metrics

_LOG: Final = logger(__name__)
_LEVELS: Final = {
    "started": logging.DEBUG,
    "done": logging.INFO,
    "undone": logging.WARNING,
    "retried": logging.WARNING,
    "failed": logging.ERROR,
}
Watch = Callable[[Progress], None]


@contextmanager
def watched(plan: Plan, metrics: Metrics, progress: Watch | None) -> Iterator[Watch]:
    """What to tell of each step while a plan runs; whoever watches it already is told as well."""
    began: dict[tuple[str, str, str | None], float] = {}

    def tell(news: Progress) -> None:
        if news.state == "started":
            began[news.volume, news.kind, news.host] = perf_counter()
        elif news.state == "retried":
            metrics.count("step_retries", {"kind": news.kind, "code": news.error.code if news.error else ""})
        else:
            metrics.count("steps", {"kind": news.kind, "outcome": news.state})
            for kind in (news.kind, INVERSE.get(news.kind, "")):
                start = began.pop((news.volume, kind, news.host), None)
                if start is not None:
                    metrics.observe("step", {"kind": kind}, perf_counter() - start)
        _log(plan, news)
        if progress is not None:
            progress(news)

    try:
        yield tell
    except LostLease:
        metrics.count("lease_losses", {})
        _LOG.warning("plan %s was taken over by another process", plan.id, extra={"event": "lost", "plan": plan.id})
        raise


def _log(plan: Plan, news: Progress) -> None:
    level = _LEVELS[news.state]
    if not _LOG.isEnabledFor(level):
        return
    told = {"event": news.state, "plan": plan.id, "step": news.kind, "volume": news.volume, "host": news.host}
    if news.error is not None:
        told |= {"code": news.error.code, "error": news.error.text}
    where = f" on {news.host}" if news.host else ""
    why = f": {news.error.text} ({news.error.code})" if news.error else ""
    _LOG.log(level, "%s %s%s %s%s", news.kind, news.volume, where, news.state, why, extra=told)
