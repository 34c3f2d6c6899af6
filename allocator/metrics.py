"""What is counted and timed of the engine at work, through whatever the embedding program injects; nothing by default.

Labels take few values: names of rules, of steps, of configured drivers and agents. None holds a volume or a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

Labels = Mapping[str, str]


class Metrics(Protocol):
    """Where counts and latencies go. Called from any thread, and from an event loop: neither method may wait."""

    def count(self, name: str, labels: Labels, amount: int = 1) -> None:
        """Add to a counter of COUNTERS, whose label names are all given."""
        ...

    def observe(self, name: str, labels: Labels, seconds: float) -> None:
        """Note one duration under a name of LATENCIES."""
        ...


class NoMetrics:
    """Counts nothing."""

    def count(self, name: str, labels: Labels, amount: int = 1) -> None:
        """Nobody asks."""

    def observe(self, name: str, labels: Labels, seconds: float) -> None:
        """Nobody asks."""


NO_METRICS: Final = NoMetrics()


@dataclass(frozen=True, slots=True)
class Metric:
    """What a counter or a latency means, and the names of its labels."""

    text: str
    labels: tuple[str, ...] = ()


COUNTERS: Final[Mapping[str, Metric]] = {
    "placements": Metric("Requests answered with a place, those that had it already among them."),
    "refusals": Metric("Requests refused, by how final that is.", ("kind",)),
    "refusals_by_rule": Metric("Requests that a rule had a part in refusing; several rules may refuse one.", ("rule",)),
    "reservations": Metric(
        "Decisions brought to the ledger: `taken`, decided `again` in their turn, or `stale`.", ("outcome",)
    ),
    "steps": Metric("Steps of plans, by what came of them: `done`, `failed` or `undone`.", ("kind", "outcome")),
    "step_retries": Metric("Calls of a step that are made again, by the error before.", ("kind", "code")),
    "calls": Metric("Calls of drivers and agents; `ok`, or the code of the error.", ("plugin", "call", "code")),
    "lease_losses": Metric("Plans that another process took over while this one ran them."),
    "findings": Metric("What reconciling found.", ("kind",)),
}
LATENCIES: Final[Mapping[str, Metric]] = {
    "place": Metric("From a request to its answer, the reservation included."),
    "step": Metric("Steps of plans, with all their retries.", ("kind",)),
    "call": Metric("Calls of drivers and agents.", ("plugin", "call")),
}
