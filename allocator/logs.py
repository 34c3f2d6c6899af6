"""The library's loggers: nobody hears them unless the program that embeds it listens."""

from __future__ import annotations

import logging

logging.getLogger("allocator").addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """A module's own. Records carry `event` and what it is about as attributes, and never a secret."""
    return logging.getLogger(name)
