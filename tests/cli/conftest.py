"""Runs a command line in this process, as the installed command would."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.cli import main
from tests.cli.running import Allocator, Run
from tests.cli.site import Site


@pytest.fixture
def allocator(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Allocator:
    """`allocator("place", "-f", path)`; options are not taken from the environment of whoever runs the tests."""
    for name in ("FILES", "LEDGER", "POLICY", "ACTOR", "LOG_LEVEL", "LOG_FORMAT"):
        monkeypatch.delenv(f"ALLOCATOR_{name}", raising=False)

    def run(*words: str | Path) -> Run:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Run(code, *capsys.readouterr())

    return run


@pytest.fixture
def site(tmp_path: Path, allocator: Allocator) -> Site:
    return Site(tmp_path, allocator)
