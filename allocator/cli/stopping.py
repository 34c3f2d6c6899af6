"""SIGTERM, by which service managers and shutdowns end a process, ends a command as Ctrl-C does: in order."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS: Final = 0.01
"""After which a Ctrl-C that nobody heard is sent once more."""


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Within this, SIGTERM is taken for Ctrl-C, unless the program around it has a way of its own with it."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    unheard = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if unheard:
        # So it is in the background of a script. Event loops end in order only where it could be heard.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    before = sys.unraisablehook
    sys.unraisablehook = partial(_heard_after_all, before)
    try:
        yield
    finally:
        sys.unraisablehook = before
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if unheard:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C would do now: an event loop has its own way with it."""
    ctrl_c = signal.getsignal(signal.SIGINT)
    (ctrl_c if callable(ctrl_c) else signal.default_int_handler)(number, frame)


def _heard_after_all(before: Callable[[UnraisableHookArgs], object], lost: UnraisableHookArgs) -> None:
    """Ctrl-C while an object goes away is dropped by Python, as by the end of a solver's thread: it is sent again."""
    if isinstance(lost.exc_value, KeyboardInterrupt):
        threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        before(lost)
