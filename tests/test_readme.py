"""What the README shows is run: its documents, its commands with the answers they give, and its Python."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from allocator import Allocator
from allocator.cli import main

README = Path(__file__).parents[1] / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(language: str, directory: Path) -> list[str]:
    """The README's blocks of one language, with their pool in this directory."""
    text = README.read_text().replace("/tmp/disk-1", str(directory / "disk-1"))
    return [block for found, block in _BLOCK.findall(text) if found == language]


def files_on_disk(site: Path) -> list[Path]:
    return [path for path in (site / "disk-1").rglob("*") if path.is_file()]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the README's fleet.yaml, where its commands are typed."""
    monkeypatch.chdir(tmp_path)
    for name in ("ALLOCATOR_FILES", "ALLOCATOR_LEDGER", "ALLOCATOR_POLICY", "ALLOCATOR_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "fleet.yaml").write_text(blocks("yaml", tmp_path)[0])
    return tmp_path


def test_its_commands_answer_what_it_shows(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """R03, R20: from the check of an offering to the end of a volume."""
    statuses = []
    for block in blocks("console", site):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = part.partition("\n")
            program, *words = shlex.split(line)
            if program == "export":
                for word in words:
                    monkeypatch.setenv(*word.split("=", 1))
                continue
            statuses.append(main(words))
            said = capsys.readouterr().out
            assert doctest.OutputChecker().check_output(shown, said, _OPTIONS), f"{line} answers:\n{said}"
    assert statuses == [1, 1, 0, 0, 1, 1, 0, 0, 0]
    assert files_on_disk(site) == []


def test_its_python_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R02, R18-R20, R24: twelve lines place, make, grant and delete a volume, and are told why another cannot be."""
    example = blocks("python", site)[0]
    assert len(example.splitlines()) == 12
    exec(compile(example, str(README), "exec"), {})
    reached, *refusal = capsys.readouterr().out.splitlines()
    assert reached.startswith(f"file://{site}/disk-1/granted/kvm-01/vol-")
    assert refusal[0] == "db-2 is refused: not even an empty fleet could take it."
    assert "1 offers no minimum IOPS (driver local)" in refusal[1]
    assert files_on_disk(site) == []


def test_its_portal_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R24: placed and made from an event loop, with the ledger beside the tables of another program."""
    exec(compile(blocks("python", site)[1], str(README), "exec"), {})
    assert capsys.readouterr().out == "['done', 'done']\n"
    assert len(list((site / "disk-1" / "volumes").iterdir())) == 2
    url = "sqlite:///portal.db?prefix=storage_"
    assert main(["why", "app-2", "--ledger", url]) == 0
    assert "placed on disk-1 for kvm-01 by portal, plan" in capsys.readouterr().out


def test_its_pool_is_emptied_as_it_shows(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """R27: which volumes leave, which one makes room, and what becomes of the pools."""
    (site / "crowded.yaml").write_text(blocks("yaml", site)[1])
    line, _, shown = blocks("text", site)[0].partition("\n")
    assert main(shlex.split(line.removeprefix("$ "))[1:]) == 0
    said = capsys.readouterr().out
    assert doctest.OutputChecker().check_output(shown, said, _OPTIONS), said


def test_its_offerings_are_read(site: Path) -> None:
    """R09, R11: each way to state QoS; a bare limit stands for two, the storage before the hypervisor."""
    *_, written = blocks("yaml", site)
    (site / "offerings.yaml").write_text(written)
    offerings = Allocator.open("fleet.yaml", "offerings.yaml").inventory.offerings
    kinds = {name: [str(wish.kind) for wish in offering.qos] for name, offering in offerings.items()}
    assert kinds == {
        "plain": [],
        "media": ["provisioned"],
        "gold": ["provisioned"],
        "silver": ["throttled"],
        "bronze": ["limit"],
        "gold-or-silver": ["provisioned", "throttled"],
    }
