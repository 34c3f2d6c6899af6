"""Run a measurement in a process of its own, so that none inherits memory, caches or threads from the one before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def fresh(measure: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `measure` gives; it must be a module's function, and arguments and answer plain data."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as process:
        return process.submit(measure, *args, **kwargs).result()
