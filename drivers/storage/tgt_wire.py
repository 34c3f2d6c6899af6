"""tgtd's management protocol, spoken directly: one request and one answer per connection to its control socket.

The format is that of tgt 1.0.85, https://github.com/fujita/tgt, usr/tgtadm.h, usr/tgtadm_error.h and usr/mgmt.c:
a header in native byte order, then text that ends in NUL. tgtd serves only callers with its own user and group.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import IntEnum
from typing import Final

from allocator.driver import DriverError, ErrorCode

ANSWER_SECONDS: Final = 10
_QUEUE_PAUSE_SECONDS: Final = 0.002
_REQUEST: Final = struct.Struct("=II64sIiQQIIIIII")
"""mode, op, driver, length, target, session, lun, connection, host, device type, account direction, pack, force."""
_ANSWER: Final = struct.Struct("=II")
"""error, length; both lengths count their header."""
_MOST_TEXT_BYTES: Final = 8 * 1024
"""MAX_MGT_BUFSIZE of usr/mgmt.c; tgtd drops the connection above it."""
_MOST_ANSWER_BYTES: Final = 256 * 1024**2
"""Ours: 2,000 targets take 2.2 MB."""


class Mode(IntEnum):
    """What a request is about."""

    SYSTEM = 0
    TARGET = 1
    UNIT = 2
    PORTAL = 3
    TRANSPORT = 4
    SESSION = 5
    CONNECTION = 6
    ACCOUNT = 7


class Op(IntEnum):
    """What a request does."""

    NEW = 0
    DELETE = 1
    SHOW = 2
    BIND = 3
    UNBIND = 4
    UPDATE = 5


class TgtError(IntEnum):
    """The answers of tgtd that mean something to a caller; every other number reads as UNKNOWN."""

    UNKNOWN = 1
    NO_MEMORY = 2
    NO_TARGET = 4
    NO_UNIT = 5
    NO_SESSION = 6
    NO_CONNECTION = 7
    TARGET_EXISTS = 9
    UNIT_EXISTS = 10
    ADMITTED = 12
    NOT_ADMITTED = 13
    USER_EXISTS = 14
    NO_USER = 15
    INVALID_REQUEST = 17
    TARGET_ACTIVE = 19
    UNIT_ACTIVE = 20


_CODES: Final = {
    TgtError.NO_TARGET: ErrorCode.NOT_FOUND,
    TgtError.NO_UNIT: ErrorCode.NOT_FOUND,
    TgtError.INVALID_REQUEST: ErrorCode.INVALID,
    TgtError.TARGET_ACTIVE: ErrorCode.IN_USE,
    TgtError.UNIT_ACTIVE: ErrorCode.BUSY,
    TgtError.NO_MEMORY: ErrorCode.BUSY,
}


class TgtRefusal(DriverError):
    """tgtd read a request and said no; `native` is what it answered."""

    def __init__(self, native: TgtError, mode: Mode, op: Op) -> None:
        code = _CODES.get(native, ErrorCode.CONFLICT)
        super().__init__(code, f"tgtd refuses {mode.name.lower()} {op.name.lower()}: {native.name.lower()} ({native}).")
        self.native = native


async def request(
    control: str,
    mode: Mode,
    op: Op,
    text: str = "",
    *,
    target: int = 0,
    session: int = 0,
    unit: int = 0,
    connection: int = 0,
    force: bool = False,
) -> str:
    """Send one request to the control socket at `control`; the text of the answer.

    Raises TgtRefusal, or DriverError: UNAVAILABLE where nothing was sent or only a look was lost, UNKNOWN_OUTCOME
    where the answer to a change was lost, INVALID where the text is too long.
    """
    payload = text.encode() + b"\0" if text else b""
    if len(payload) > _MOST_TEXT_BYTES:
        raise DriverError(
            ErrorCode.INVALID, f"tgtd takes {_MOST_TEXT_BYTES:,} bytes of text; this is {len(payload):,}."
        )
    length = _REQUEST.size + len(payload)
    header = _REQUEST.pack(mode, op, b"iscsi", length, target, session, unit, connection, 0, 0, 0, 0, int(force))
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await _connect(control)
    except (OSError, TimeoutError) as error:
        raise DriverError(
            ErrorCode.UNAVAILABLE,
            f"tgtd cannot be reached at {control}: {_cause(error)}. Maybe it is not running.",
        ) from error
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            writer.write(header + payload)
            await writer.drain()
            native, answer = await _answer(reader)
    except (OSError, TimeoutError, EOFError) as error:
        code = ErrorCode.UNAVAILABLE if op is Op.SHOW else ErrorCode.UNKNOWN_OUTCOME
        raise DriverError(
            code,
            f"tgtd at {control} gave no answer to {mode.name.lower()} {op.name.lower()}: {_cause(error)}. "
            "Maybe it died, or runs as another user.",
        ) from error
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if native:
        known = TgtError(native) if native in TgtError._value2member_map_ else TgtError.UNKNOWN
        raise TgtRefusal(known, mode, op)
    return answer


async def _connect(control: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, waiting for a place in tgtd's queue of 32: where it is full, asyncio takes EAGAIN for success."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.setblocking(False)
        while True:
            try:
                connection.connect(control)
                return await asyncio.open_unix_connection(sock=connection)
            except BlockingIOError:
                await asyncio.sleep(_QUEUE_PAUSE_SECONDS)
    except BaseException:
        connection.close()
        raise


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    native, length = _ANSWER.unpack(await reader.readexactly(_ANSWER.size))
    if not _ANSWER.size <= length <= _MOST_ANSWER_BYTES:
        raise EOFError(f"an answer of {length:,} bytes")
    body = await reader.readexactly(length - _ANSWER.size)
    return native, body.rstrip(b"\0").decode("utf-8", "replace")


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__
