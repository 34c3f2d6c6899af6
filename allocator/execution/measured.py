"""A driver or an agent with every call counted, timed and logged: by name and code, never with what it was about."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import Any, Final

from allocator.driver import DriverError
from allocator.logs import logger
from allocator.metrics import NO_METRICS, Metrics

_LOG: Final = logger(__name__)


class Measured:
    """Stands in for a plug-in that a connection has named; all that it has besides calls is its own."""

    def __init__(self, plugin: object, name: str, metrics: Metrics) -> None:
        self._plugin, self._name, self._metrics = plugin, name, metrics

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plugin, name)
        if inspect.iscoroutinefunction(found):
            return self._awaited(found, name)
        return self._iterated(found, name) if inspect.isasyncgenfunction(found) else found

    def _awaited(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        async def measured(*given: object, **named: object) -> object:
            with self._measuring(name):
                return await call(*given, **named)

        return measured

    def _iterated(self, call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        async def measured(*given: object, **named: object) -> AsyncIterator[object]:
            with self._measuring(name):
                async for found in call(*given, **named):
                    yield found

        return measured

    @contextmanager
    def _measuring(self, call: str) -> Iterator[None]:
        started, code = perf_counter(), "ok"
        try:
            yield
        except DriverError as error:
            code = str(error.code)
            raise
        except BaseException as error:
            code = type(error).__name__
            raise
        finally:
            seconds = perf_counter() - started
            self._metrics.count("calls", {"plugin": self._name, "call": call, "code": code})
            self._metrics.observe("call", {"plugin": self._name, "call": call}, seconds)
            told = {"event": "called", "plugin": self._name, "call": call, "code": code, "seconds": seconds}
            _LOG.debug("%s of %s: %s", call, self._name, code, extra=told)


def measured(plugin: object, name: str, metrics: Metrics) -> object:
    """The plug-in, measured where anybody counts or listens."""
    heard = metrics is not NO_METRICS or _LOG.isEnabledFor(logging.DEBUG)
    return Measured(plugin, name, metrics) if heard else plugin
