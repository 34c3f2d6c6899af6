"""The QMP client against a monitor that breaks the protocol, and against a real one that hangs or leaves."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from allocator.agent import DriverError, ErrorCode
from allocator.testing.refusing import refused
from drivers.hypervisor import qmp
from drivers.hypervisor.qmp import Qmp, Refused
from tests.drivers.qsd import storage_daemon

GREETING = b'{"QMP": {"version": {}, "capabilities": []}}\n'
DONE = b'{"return": {}, "id": $ID}\n'
COMMANDS = b'{"return": [{"name": "quit"}], "id": $ID}\n'
READY = (GREETING, DONE, COMMANDS)
SILENCE = b""
SHORT_SECONDS = 0.5

BROKEN = {
    "garbage": b"}{\n",
    "no object": b"[1]\n",
    "not UTF-8": b'{"return": "\xff"}\n',
    "too deep": b"[" * 50_000 + b"\n",
    "too long": b'{"return": "' + b"x" * 300_000 + b'"}\n',
    "another question's": b'{"return": {}, "id": 99}\n',
    "nobody's": b'{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n',
    "cut off": b'{"return": {',
    "silence": SILENCE,
}


@contextmanager
def monitor(directory: Path, *connections: Sequence[bytes]) -> Iterator[Path]:
    """A unix socket that serves these connections in turn, and then hangs up.

    Each says its first text on connect and one more per question, `$ID` in it standing for the question's id;
    SILENCE waits for the client to leave.
    """
    directory.chmod(0o700)
    path = directory / "monitor"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(10)
        thread = threading.Thread(target=_serve, args=(listener, connections))
        thread.start()
        try:
            yield path
        finally:
            thread.join()


def _serve(listener: socket.socket, connections: Sequence[Sequence[bytes]]) -> None:
    for texts in connections:
        connection, _ = listener.accept()
        connection.settimeout(10)
        with connection, connection.makefile("rb") as questions:
            try:
                connection.sendall(texts[0])
                for text in texts[1:]:
                    number = json.loads(questions.readline())["id"]
                    connection.sendall(text.replace(b"$ID", str(number).encode()))
                if texts[-1] == SILENCE:
                    questions.read()
            except (BrokenPipeError, ConnectionResetError):
                continue


def run(path: Path, scenario: Callable[[Qmp], Awaitable[None]], answer_seconds: float = 10) -> None:
    """Run a scenario with a client that is closed after it and leaves no task behind."""

    async def whole() -> None:
        client = Qmp(path, answer_seconds=answer_seconds)
        try:
            await scenario(client)
        finally:
            await client.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(whole())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_an_unknown_outcome_only_to_what_changes_something(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qmp, "LINE_LIMIT_BYTES", 100_000)

    async def scenario(client: Qmp) -> None:
        asked = await refused(client.ask("query-status"), ErrorCode.UNAVAILABLE)
        assert "no answer to query-status" in str(asked)
        assert "Maybe " in str(asked)
        acted = await refused(
            client.act("object-add", {"data": "hunter2"}, ErrorCode.INVALID, "Maybe not."),
            ErrorCode.UNKNOWN_OUTCOME,
        )
        assert "no answer to object-add" in str(acted)
        assert "hunter2" not in f"{acted!r} {acted}"

    broken = (*READY, BROKEN[name])
    with monitor(tmp_path, broken, broken) as path:
        run(path, scenario, SHORT_SECONDS if BROKEN[name] == SILENCE else 10)


@pytest.mark.parametrize("greeting", [*BROKEN.values(), b"SSH-2.0-OpenSSH_9.2\n", b'{"return": {}}\n'])
def test_whatever_does_not_greet_is_unavailable(
    greeting: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qmp, "LINE_LIMIT_BYTES", 100_000)

    async def scenario(client: Qmp) -> None:
        await refused(client.act("quit", {}, ErrorCode.INVALID, "Maybe not."), ErrorCode.UNAVAILABLE)

    with monitor(tmp_path, (greeting,)) as path:
        run(path, scenario, SHORT_SECONDS if greeting == SILENCE else 10)


def test_events_are_passed_over_and_refusals_made_printable(tmp_path: Path) -> None:
    event = b'{"event": "BLOCK_IO_ERROR", "data": {}}\n'
    refusal = b'{"error": {"desc": "no\\u001b[31m ' + b"x" * 1000 + b'"}, "id": $ID}\n'

    async def scenario(client: Qmp) -> None:
        assert await client.ask("query-status") == {}
        error = await refused(client.act("quit", {}, ErrorCode.BUSY, "Maybe wait."), ErrorCode.BUSY)
        assert isinstance(error, Refused)
        assert error.reason == "no [31m " + "x" * 392
        assert str(error) == f"QEMU refused quit: {error.reason}. Maybe wait."
        assert await client.offers("quit")
        assert not await client.offers("device_add")

    with monitor(tmp_path, (*READY, event + DONE, refusal)) as path:
        run(path, scenario)


def test_a_query_is_asked_again_where_the_other_end_left(tmp_path: Path) -> None:
    async def scenario(client: Qmp) -> None:
        assert await client.ask("query-status") == {}
        assert await client.ask("query-status") == {}

    with monitor(tmp_path, (*READY, DONE), (*READY, DONE)) as path:
        run(path, scenario)


def test_what_changes_something_is_not_sent_again(tmp_path: Path) -> None:
    async def scenario(client: Qmp) -> None:
        assert await client.ask("query-status") == {}
        await refused(client.act("quit", {}, ErrorCode.INVALID, "Maybe not."), ErrorCode.UNKNOWN_OUTCOME)

    with monitor(tmp_path, (*READY, DONE)) as path:
        run(path, scenario)


def test_a_cancelled_call_does_not_leave_its_answer_to_the_next(tmp_path: Path) -> None:
    async def scenario(client: Qmp) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ask("query-status"), 0.1)
        assert await client.ask("query-version") == "mine"

    mine = b'{"return": "mine", "id": $ID}\n'
    with monitor(tmp_path, (*READY, SILENCE), (*READY, mine)) as path:
        run(path, scenario)


def test_a_monitor_in_an_open_directory_is_refused(tmp_path: Path) -> None:
    with monitor(tmp_path, READY) as path:
        tmp_path.chmod(0o755)

        async def scenario(client: Qmp) -> None:
            error = await refused(client.ask("query-status"), ErrorCode.INVALID)
            assert "mode 0755" in str(error)
            tmp_path.chmod(0o700)
            await client.offers("quit")

        run(path, scenario)


def test_a_monitor_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    async def scenario(client: Qmp) -> None:
        error = await refused(client.ask("query-status"), ErrorCode.UNAVAILABLE)
        assert str(error) == f"cannot reach {tmp_path}/none: No such file or directory. Maybe QEMU is not running."

    run(tmp_path / "none", scenario)


def test_a_monitor_that_another_client_holds_does_not_greet() -> None:
    async def scenario(client: Qmp) -> None:
        error = await refused(client.ask("query-status"), ErrorCode.UNAVAILABLE)
        assert "Maybe another client holds it" in str(error)

    with storage_daemon() as daemon, socket.socket(socket.AF_UNIX) as first:
        first.connect(str(daemon.qmp))
        assert first.recv(10) == b'{"QMP": {"'
        run(daemon.qmp, scenario, SHORT_SECONDS)


def test_a_real_monitor_that_hangs_dies_and_returns() -> None:
    with storage_daemon() as daemon:

        async def scenario(client: Qmp) -> None:
            assert await client.ask("query-block-exports") == []
            daemon.pause()
            error = await refused(client.ask("query-block-exports"), ErrorCode.UNAVAILABLE)
            assert "nothing within 1 s" in str(error)
            daemon.resume()
            assert await client.ask("query-block-exports") == []
            daemon.kill()
            await refused(client.ask("query-block-exports"), ErrorCode.UNAVAILABLE)
            daemon.start()
            assert await client.ask("query-block-exports") == []

        run(daemon.qmp, scenario, 1)


def test_a_list_of_objects_is_checked() -> None:
    assert qmp.rows([{"name": "a"}]) == [{"name": "a"}]
    for nonsense in ({"name": "a"}, ["a"], None):
        with pytest.raises(DriverError, match="something other than a list of objects"):
            qmp.rows(nonsense)
