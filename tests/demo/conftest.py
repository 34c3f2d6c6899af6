"""Where the demo's tests work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A short one: the path of a Unix socket has 107 bytes at most."""
    with TemporaryDirectory(prefix="demo-") as short:
        yield Path(short)
