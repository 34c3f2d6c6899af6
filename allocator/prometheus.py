"""Counts and latencies in a registry of prometheus_client, which the extra `metrics` brings."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from allocator.metrics import COUNTERS, LATENCIES, Labels

BUCKETS_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class PrometheusMetrics:
    """Registers `allocator_placements_total`, `allocator_place_seconds` and so on in a registry of the caller's.

    One registry takes one of these: allocators of one process that share it share their counts. Raises ValueError
    where the registry has such names already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counters = {
            name: Counter(f"allocator_{name}", metric.text, metric.labels, registry=registry)
            for name, metric in COUNTERS.items()
        }
        self._latencies = {
            name: Histogram(
                f"allocator_{name}_seconds", metric.text, metric.labels, buckets=BUCKETS_SECONDS, registry=registry
            )
            for name, metric in LATENCIES.items()
        }

    def count(self, name: str, labels: Labels, amount: int = 1) -> None:
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def observe(self, name: str, labels: Labels, seconds: float) -> None:
        histogram = self._latencies[name]
        (histogram.labels(**labels) if labels else histogram).observe(seconds)
