"""However the demo ends, the servers it started are stopped and its files are gone."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from allocator.demo.servers import PACKAGES, missing
from tests.demo.running import SECONDS, command, environment, left_behind

MOST_SECONDS_TO_END = 15


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """While tgtd, QEMU and an attached volume are there."""
    lacking = missing(*PACKAGES)
    if lacking:
        pytest.skip(f"Maybe `apt-get install {' '.join(lacking)}`.")
    with subprocess.Popen(
        command(),
        env=environment(tmp_path),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        deadline = time.monotonic() + SECONDS
        for line in process.stdout:
            if "qemu-img bench" in line or time.monotonic() > deadline:
                break
        assert "tgtd" in " ".join(left_behind(tmp_path))
        process.send_signal(number)
        _, complaint = process.communicate(timeout=MOST_SECONDS_TO_END)
    assert process.returncode == 130, complaint
    assert complaint == "Stopped: what was started is stopped, what was made is removed.\n"
    assert left_behind(tmp_path) == []
