"""tgtd's protocol: bytes worked out on paper, and a server that breaks off at every point."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from allocator.driver import DriverError, ErrorCode
from drivers.storage.tgt_wire import Mode, Op, TgtError, TgtRefusal, request

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ask(directory: Path, serve: Serve, op: Op = Op.SHOW, text: str = "") -> str:
    """One request to a server of our own."""

    async def scenario() -> str:
        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await serve(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_unix_server(served, directory / "ctl")
        try:
            return await request(str(directory / "ctl"), Mode.TARGET, op, text, target=7)
        finally:
            server.close()
            await server.wait_closed()

    return asyncio.run(scenario())


def answering(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(120)
        writer.write(answer)
        await writer.drain()

    return serve


def test_a_request_is_120_bytes_and_its_text(tmp_path: Path) -> None:
    """R19: `initiator-name=iqn.a:b` bound to target 7: 120 + 22 + 1 bytes, every other field zero."""
    seen = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.readexactly(143))
        writer.write(struct.pack("=II", 0, 8))
        await writer.drain()

    assert ask(tmp_path, serve, Op.BIND, "initiator-name=iqn.a:b") == ""
    fields = struct.pack("=II", 1, 3) + b"iscsi".ljust(64, b"\0") + struct.pack("=Ii", 143, 7)
    assert bytes(seen) == fields.ljust(120, b"\0") + b"initiator-name=iqn.a:b\0"


def test_an_answer_is_read_to_its_stated_end(tmp_path: Path) -> None:
    assert ask(tmp_path, answering(struct.pack("=II", 0, 14) + b"Target")) == "Target"
    assert ask(tmp_path, answering(struct.pack("=II", 0, 10) + b"\xff\0")) == "\ufffd"


@pytest.mark.parametrize(
    ("native", "known", "code"),
    [
        (4, TgtError.NO_TARGET, ErrorCode.NOT_FOUND),
        (9, TgtError.TARGET_EXISTS, ErrorCode.CONFLICT),
        (17, TgtError.INVALID_REQUEST, ErrorCode.INVALID),
        (20, TgtError.UNIT_ACTIVE, ErrorCode.BUSY),
        (4711, TgtError.UNKNOWN, ErrorCode.CONFLICT),
    ],
)
def test_a_refusal_keeps_its_number(tmp_path: Path, native: int, known: TgtError, code: ErrorCode) -> None:
    with pytest.raises(TgtRefusal) as caught:
        ask(tmp_path, answering(struct.pack("=II", native, 8)), Op.NEW)
    assert (caught.value.native, caught.value.code) == (known, code)


@pytest.mark.parametrize("answer", [b"", b"\0\0\0", struct.pack("=II", 0, 100) + b"cut", struct.pack("=II", 0, 7)])
def test_a_lost_answer_is_unknown_for_changes_and_unavailable_for_looks(tmp_path: Path, answer: bytes) -> None:
    """R20: the engine must ask `inspect` before it repeats what may have happened."""
    with pytest.raises(DriverError) as change:
        ask(tmp_path, answering(answer), Op.DELETE)
    with pytest.raises(DriverError) as look:
        ask(tmp_path, answering(answer), Op.SHOW)
    assert (change.value.code, look.value.code) == (ErrorCode.UNKNOWN_OUTCOME, ErrorCode.UNAVAILABLE)


def test_an_answer_of_300_million_bytes_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="300,000,000"):
        ask(tmp_path, answering(struct.pack("=II", 0, 300_000_000)))


def test_silence_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.storage.tgt_wire.ANSWER_SECONDS", 0.05)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    with pytest.raises(DriverError) as caught:
        ask(tmp_path, serve, Op.NEW)
    assert caught.value.code is ErrorCode.UNKNOWN_OUTCOME


def test_nobody_there_is_unavailable_and_nothing_happened(tmp_path: Path) -> None:
    for op in (Op.SHOW, Op.NEW):
        with pytest.raises(DriverError, match="Maybe it is not running") as caught:
            asyncio.run(request(str(tmp_path / "absent"), Mode.TARGET, op))
        assert caught.value.code is ErrorCode.UNAVAILABLE


def test_text_beyond_8_kib_is_not_sent(tmp_path: Path) -> None:
    """8,192 bytes with the NUL are the most that tgtd takes."""
    assert ask(tmp_path, answering(struct.pack("=II", 0, 8)), Op.NEW, "a" * 8191) == ""
    with pytest.raises(DriverError, match=r"8,192 bytes.*8,193"):
        ask(tmp_path, answering(b""), Op.NEW, "a" * 8192)
