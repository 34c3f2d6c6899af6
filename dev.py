"""Everything a developer runs, each command doing its own set-up: demo, test, check, bench.

Standard library only. Python packages go into `.venv` beside this file; Debian packages are installed where this runs
as root on a system with apt, and named otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
PROGRAMS = {
    "tgtd": "tgt",
    "iscsi-inq": "libiscsi-bin",
    "qemu-img": "qemu-utils",
    "qemu-storage-daemon": "qemu-system-common",
    "fio": "fio",
}
"""What the real tests and the iSCSI half of the demo need, and the Debian package that brings it."""
ELSEWHERE = {
    "lib/*/qemu/block-iscsi.so": "qemu-block-extra",
    "lib/postgresql/*/bin/initdb": "postgresql",
}
"""The same for what lies off the PATH: QEMU's iSCSI client is a module, and Debian keeps PostgreSQL by version."""

SPREAD = ("--numprocesses", str(os.cpu_count() or 1), "--dist", "worksteal")
"""Tests run side by side: each that needs a server starts its own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("demo", "tell the whole story on this machine"),
        ("test", "lint, types, import directions and every test"),
        ("check", "ruff, mypy, import directions, and how many seeded mutants the tests catch"),
        ("bench", "measure"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("rest", nargs=argparse.REMAINDER, help="passed on")
    asked = parser.parse_args()
    prepare()
    if asked.command == "demo":
        programs()
        return run("-m", "allocator.cli", "demo", *asked.rest)
    if asked.command == "test":
        programs()
        return checks() or run("-m", "pytest", *SPREAD, *asked.rest)
    if asked.command == "check":
        return checks() or run("-m", "pytest", "-rP", *SPREAD, "tests/laws/test_mutants.py", *asked.rest)
    return run("-m", "bench", *asked.rest)


def prepare() -> None:
    """A virtual environment with this package and its tools; brought up to date when what it is made of changes."""
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / "made-for"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    if sys.version_info < (3, 11):
        sys.exit(f"Python {sys.version.split()[0]} is older than 3.11. Maybe run this with python3.11.")
    print(f"setting up {VENV} (once)", flush=True)
    installer = pip()
    stamp.unlink(missing_ok=True)
    # One that somebody made and is working in stays theirs, with its pip.
    if Path(sys.prefix).resolve() != VENV.resolve():
        venv.create(VENV, clear=True, with_pip=False)
    words = [installer, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*words, "--editable", f"{HERE}[dev]"], check=True)
    stamp.write_text(wanted)


def pip() -> str:
    """A Python that has pip, which can install into any environment: Debian's comes without ensurepip."""
    made_from = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, str(made_from)):
        asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return python
    sys.exit(f"{sys.executable} has no pip. Maybe: apt-get install python3-pip")


def programs() -> None:
    """The real servers that tests and demo start; without them the parts that need them are skipped."""
    missing = absent()
    if not missing:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"installing {' '.join(missing)}", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        with (VENV / "apt.log").open("ab") as log:
            subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=log, stderr=log, check=False)
            subprocess.run(install, env=quiet, stdout=log, stderr=log, check=False)
        missing = absent()
    if missing:
        print(f"missing: {' '.join(missing)}; what needs them is skipped. Maybe: apt-get install {' '.join(missing)}")


def absent() -> list[str]:
    """The Debian packages that are needed and not there."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    packages = [package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None]
    return packages + [package for file, package in ELSEWHERE.items() if not any(Path("/usr").glob(file))]


def checks() -> int:
    """Lint, formatting, types and import directions: the first that fails ends it."""
    for words in (
        ("-m", "ruff", "check", "."),
        ("-m", "ruff", "format", "--check", "."),
        ("-m", "mypy"),
        ("-c", "from importlinter.cli import lint_imports_command as main; main()"),
    ):
        status = run(*words)
        if status:
            return status
    return 0


def run(*words: str) -> int:
    """This environment's Python, with the servers' folders on the path."""
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    return subprocess.run([str(PYTHON), *words], cwd=HERE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
