"""Whether the process that runs a plan still lives."""

from __future__ import annotations

import os
import signal

from allocator.execution.owner import lives, may_live, this_process, this_run


def test_a_process_lives_until_it_is_killed() -> None:
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.write(writing, this_process().encode())
        signal.pause()
    owner = os.read(reading, 1000).decode()
    os.close(reading)
    os.close(writing)
    assert may_live(owner)
    assert may_live(this_process())
    assert owner != this_process()
    os.kill(process, signal.SIGKILL)
    os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert not may_live(owner), "killed, and not yet waited for"
    os.waitpid(process, 0)
    assert not may_live(owner)


def test_a_process_number_used_again_is_another_process() -> None:
    name, started = this_process().rsplit(" ", 1)
    assert not may_live(f"{name} {int(started) + 1}")


def test_two_runs_of_a_process_are_two_owners() -> None:
    first, second = this_run(), this_run()
    assert first != second
    assert (lives(first), lives(second)) == (True, True)


def test_nothing_is_said_of_other_machines() -> None:
    host, _, started = this_process().split(" ")
    assert may_live(f"{host} other-boot/pid:[1] {int(started) + 1}")
    assert may_live("somebody")
