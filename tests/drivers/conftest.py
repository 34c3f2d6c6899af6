"""A tgtd for each test that asks for one, and the driver on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control
from tests.drivers.tgt_hosts import make
from tests.drivers.tgtd import Tgtd


@pytest.fixture
def tgtd() -> Iterator[Tgtd]:
    with Tgtd() as running:
        yield running


@pytest.fixture
def driver(tgtd: Tgtd, tmp_path: Path) -> TgtDriver:
    return make(tgtd, tmp_path)


@pytest.fixture
def control(tgtd: Tgtd) -> Control:
    return Control(tgtd.control)
