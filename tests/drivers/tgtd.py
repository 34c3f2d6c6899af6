"""A real tgtd for a test, and real initiators to knock at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

_READY_SECONDS = 10


def needed(program: str, package: str) -> str:
    """The path of a program; skips the test where it is not installed."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{program} is not installed. Maybe `apt-get install {package}`.")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Tgtd:
    """One tgtd on a port and a control socket of its own; a context manager that stops it for sure."""

    def __init__(self) -> None:
        self._program = needed("tgtd", "tgt")
        self._directory = tempfile.mkdtemp(prefix="tgtd-")
        self._process: subprocess.Popen[bytes] | None = None
        self.portal = f"127.0.0.1:{free_port()}"
        self.control = f"{self._directory}/ctl.5"

    @property
    def port(self) -> int:
        return int(self.portal.rpartition(":")[2])

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers. The kernel kills it if this process dies first."""
        with open(Path(self._directory, "log"), "ab") as log:
            self._process = subprocess.Popen(
                [
                    needed("setpriv", "util-linux"),
                    "--pdeathsig",
                    "KILL",
                    self._program,
                    "-f",
                    "-C",
                    "5",
                    "-t",
                    "1",
                    "--iscsi",
                    f"portal={self.portal}",
                ],
                env={**os.environ, "TGT_IPC_SOCKET": f"{self._directory}/ctl"},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or not self.alive:
                raise AssertionError(Path(self._directory, "log").read_text(errors="replace")[-2000:])
            time.sleep(0.01)

    def kill(self) -> None:
        """kill -9: everything it knew is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _answers(self) -> bool:
        for family, address in (
            (socket.AF_UNIX, self.control),
            (socket.AF_INET, ("127.0.0.1", self.port)),
        ):
            with socket.socket(family) as probe:
                if probe.connect_ex(address) != 0:
                    return False
        return True


def logs_in(uri: str, initiator: str, user: str | None = None, secret: str | None = None) -> bool:
    """Whether libiscsi's iscsi-inq logs in by that name and gets the disk's inquiry data."""
    credentials = {"LIBISCSI_CHAP_USERNAME": user, "LIBISCSI_CHAP_PASSWORD": secret}
    result = subprocess.run(
        [needed("iscsi-inq", "libiscsi-bin"), "-i", initiator, uri],
        env={**os.environ, **{key: value for key, value in credentials.items() if value is not None}},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return result.returncode == 0 and "DIRECT_ACCESS" in result.stdout


def serial_number(uri: str, initiator: str) -> str:
    """The disk's serial number as the client sees it."""
    result = subprocess.run(
        [needed("iscsi-inq", "libiscsi-bin"), "-i", initiator, "-e", "1", "-c", "128", uri],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return result.stdout.partition("[")[2].partition("]")[0].strip()
