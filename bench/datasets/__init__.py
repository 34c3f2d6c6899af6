"""Public benchmark data as placement problems: read, placed by the engine, and written as the data's judges read it."""

from __future__ import annotations

from bench.datasets.commands import gap, vectorpack
from bench.datasets.reassignment_run import roadef

COMMANDS = (vectorpack, gap, roadef)

__all__ = ["COMMANDS"]
