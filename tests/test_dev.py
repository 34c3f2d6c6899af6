"""A fresh clone prepares itself, whoever made the environment that its commands are run from."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEV = Path(__file__).resolve().parents[1] / "dev.py"
PYPROJECT = """\
[project]
name = "small"
version = "1"
optional-dependencies = {{dev = []}}
# {comment}
[build-system]
requires = []
build-backend = "building"
backend-path = ["."]
"""
BUILDING = """\
import zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{directory}/small-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("small.pth", "")
        wheel.writestr("small-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\n")
        wheel.writestr("small-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("small-1.dist-info/RECORD", "")
    return "small-1-py3-none-any.whl"
"""
BENCH = """\
import sys
from importlib.metadata import version
print("runs in", sys.prefix, "with small", version("small"))
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project that needs nothing from anywhere, with this project's own `dev.py`."""
    shutil.copy(DEV, tmp_path)
    describe(tmp_path, "first")
    (tmp_path / "building.py").write_text(BUILDING)
    (tmp_path / "bench.py").write_text(BENCH)
    return tmp_path


def describe(clone: Path, comment: str) -> None:
    (clone / "pyproject.toml").write_text(PYPROJECT.format(comment=comment))


def run(python: Path | str, clone: Path) -> str:
    """What `dev.py bench` says, run by that Python as from a shell in which its environment is active."""
    folder = Path(python).parent
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "VIRTUAL_ENV": str(folder.parent)}
    environment.pop("PYTHONPATH", None)
    command = [str(python), "dev.py", "bench"]
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_environment_that_somebody_made_and_works_in_is_used_as_it_is(clone: Path) -> None:
    """`python3 -m venv .venv; . .venv/bin/activate; bash .ci/run`, as many begin."""
    own = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(own)], check=True, timeout=120)
    (own / "theirs").touch()
    python = own / "bin" / "python"
    assert f"runs in {own} with small 1" in run(python, clone)
    assert "setting up" not in run(python, clone)
    describe(clone, "second")
    assert "setting up" in run(python, clone)
    assert (own / "theirs").exists()
    assert subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def test_one_that_it_made_is_brought_up_to_date_from_within_and_from_without(clone: Path) -> None:
    """It has no pip of its own: that of the Python it was made from serves."""
    base = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if subprocess.run([base, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("needs a Python with pip outside of any environment: python3-pip")
    own = clone / ".venv"
    assert f"runs in {own} with small 1" in run(base, clone)
    assert "setting up" not in run(own / "bin" / "python", clone)
    describe(clone, "second")
    assert "setting up" in run(own / "bin" / "python", clone)
    assert "setting up" not in run(base, clone)
