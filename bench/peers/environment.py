"""Virtual environments of peers, made once under `.peers/` in the checkout and kept."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

PLACE: Final = Path(__file__).resolve().parents[2] / ".peers"
PIP: Final = ("install", "--quiet", "--disable-pip-version-check", "--retries", "2")


class PeerError(Exception):
    """A peer that cannot be installed or run; the text says what was tried."""


def is_made(folder: Path, requirements: Sequence[str]) -> bool:
    """Whether an environment is complete, and made of these requirements by a Python like this one."""
    made = folder / "made-of"
    return made.is_file() and made.read_text() == _made_of(requirements)


def environment(name: str, requirements: Sequence[str], tell: Callable[[str], None], place: Path = PLACE) -> Path:
    """The Python of the environment `name`, which is made first if need be; `tell` hears that it takes a while.

    An installation that was interrupted goes on where it stopped; two at once take turns. Raises PeerError where
    the packages cannot be had.
    """
    folder = place / name
    python = folder / "bin" / "python"
    place.mkdir(parents=True, exist_ok=True)
    with (place / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if is_made(folder, requirements):
            return python
        tell(f"installing {', '.join(requirements)} into {folder} (once, a minute or two)")
        if not _runs(python):
            venv.create(folder, clear=True, with_pip=False)
        _install(python, requirements)
        (folder / "made-of").write_text(_made_of(requirements))
    return python


def _made_of(requirements: Sequence[str]) -> str:
    return "\n".join((*requirements, sys.version, ""))


def _runs(python: Path) -> bool:
    """False too for an environment that another version of Python left behind."""
    if not python.exists():
        return False
    ask = subprocess.run([str(python), "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
    return ask.stdout.strip() == sys.version


def _install(python: Path, requirements: Sequence[str]) -> None:
    # An environment may come without pip, as ours does: whichever pip is there can install into any environment.
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    pips = [str(each) for each in (sys.executable, base) if _has_pip(str(each))]
    if not pips:
        raise PeerError(f"Neither {sys.executable} nor {base} has pip. Maybe: apt-get install python3-pip.")
    # What another project put on the path must not be taken for installed.
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [pips[0], "-m", "pip", "--python", str(python), *PIP, *requirements]
    done = subprocess.run(words, capture_output=True, text=True, env=clean)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise PeerError(
            f"{', '.join(requirements)} cannot be installed: {(said or ['pip said nothing'])[-1]}. "
            "Maybe PyPI is not reachable from here: set PIP_INDEX_URL to a mirror and run this again; it goes on."
        )


def _has_pip(python: str) -> bool:
    return Path(python).exists() and not subprocess.run([python, "-c", "import pip"], capture_output=True).returncode
