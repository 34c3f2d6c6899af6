"""A site on directories for each test that asks for one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reconcile.sites import DISKS, Site


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: a killed process loses nothing of it, and no disk is slow."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as made:
        yield Path(made)


@pytest.fixture
def site(memory: Path) -> Iterator[Site]:
    at = memory / "site"
    at.mkdir()
    made = Site(at, DISKS.format(at=at))
    yield made
    made.close()
