"""What is compiled is loaded, or compiled, beside whatever else is to be done first."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


def warming(warm: Callable[[], None]) -> Future[None]:
    """Begin; the result is there once all is compiled. Nobody has to wait for it to end."""
    ready: Future[None] = Future()
    Thread(target=_run, args=(warm, ready), daemon=True).start()
    return ready


def _run(warm: Callable[[], None], ready: Future[None]) -> None:
    try:
        warm()
    except BaseException as error:
        ready.set_exception(error)
    else:
        ready.set_result(None)
