"""A client of the QEMU Machine Protocol: one command at a time over a unix socket, every wait bounded."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from allocator.agent import DriverError, ErrorCode

ANSWER_SECONDS: Final = 30
GREETING_SECONDS: Final = 5
"""A free monitor greets within milliseconds; one that another client holds never does."""
LINE_LIMIT_BYTES: Final = 16 * 2**20
"""The longest answer accepted. The longest there is lists the block nodes: some 3 kB for each volume."""
_REASON_CHARACTERS: Final = 400


class Refused(DriverError):
    """QEMU answered a command with an error: it had no effect. `reason` is QEMU's text, made printable."""

    def __init__(self, code: ErrorCode, text: str, reason: str) -> None:
        super().__init__(code, text)
        self.reason = reason


class Qmp:
    """A monitor, connected to when first needed and again after a loss.

    QEMU serves one client per monitor, so this one must be its owner's own. Calls must not overlap. Every
    method raises DriverError only; a lost answer is UNKNOWN_OUTCOME to `act` and UNAVAILABLE to the others.
    """

    def __init__(self, path: Path, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._path = path
        self._answer_seconds = answer_seconds
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._commands: frozenset[str] = frozenset()
        self._sent = 0

    async def ask(self, command: str, **arguments: object) -> object:
        """The answer to a command that changes nothing; asked again once if the other end left meanwhile."""
        with self._lost(command, ErrorCode.UNAVAILABLE):
            if self._streams is not None:
                with suppress(ConnectionError):
                    return await self._exchange(command, arguments)
            await self._connect()
            return await self._exchange(command, arguments)

    async def act(self, command: str, arguments: Mapping[str, object], refused: ErrorCode, maybe: str) -> None:
        """Run a command that changes something.

        Where QEMU says no, raises Refused with the code `refused` and `maybe`, a sentence on what might help.
        """
        await self._connect()
        with self._lost(command, ErrorCode.UNKNOWN_OUTCOME):
            await self._exchange(command, arguments, refused, maybe)

    async def offers(self, command: str) -> bool:
        """Whether the QEMU at the other end knows a command."""
        await self._connect()
        return command in self._commands

    async def close(self) -> None:
        streams, self._streams = self._streams, None
        if streams is not None:
            _, writer = streams
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> None:
        if self._streams is not None:
            return
        check_private(self._path)
        try:
            self._streams = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT_BYTES)
        except OSError as error:
            raise _unreachable(self._path, error) from error
        try:
            with self._lost("the greeting", ErrorCode.UNAVAILABLE):
                await self._greet(self._streams[0])
                await self._exchange("qmp_capabilities", {})
                known = await self._exchange("query-commands", {})
                self._commands = frozenset(str(entry.get("name")) for entry in rows(known))
        except BaseException:
            await self.close()
            raise

    async def _greet(self, reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(min(GREETING_SECONDS, self._answer_seconds)):
                greeting = await _message(reader)
        except TimeoutError as error:
            raise DriverError(
                ErrorCode.UNAVAILABLE,
                f"the QEMU monitor {self._path} does not greet. Maybe another client holds it: QEMU serves "
                "one client per monitor, so give it one more.",
            ) from error
        if "QMP" not in greeting:
            raise ValueError("this is not the QEMU Machine Protocol")

    async def _exchange(
        self,
        command: str,
        arguments: Mapping[str, object],
        refused: ErrorCode = ErrorCode.UNAVAILABLE,
        maybe: str = "Maybe this QEMU is too old.",
    ) -> object:
        if self._streams is None:
            raise ConnectionError("not connected")
        reader, writer = self._streams
        self._sent += 1
        question = {"execute": command, "arguments": arguments, "id": self._sent}
        try:
            async with asyncio.timeout(self._answer_seconds):
                writer.write(json.dumps(question).encode() + b"\n")
                await writer.drain()
                while "event" in (answer := await _message(reader)):
                    pass
        except BaseException:
            await self.close()
            raise
        if answer.get("id") != self._sent:
            await self.close()
            raise ValueError("an answer to another question")
        error = answer.get("error")
        if error is not None:
            reason = _printable(error.get("desc") if isinstance(error, dict) else error)
            raise Refused(refused, f"QEMU refused {command}: {reason}. {maybe}", reason)
        return answer.get("return")

    @contextmanager
    def _lost(self, what: str, code: ErrorCode) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            late = isinstance(error, TimeoutError)
            why = f"nothing within {self._answer_seconds:g} s" if late else error
            text = f"no answer to {what} from the QEMU monitor {self._path}: {why}. Maybe QEMU hangs or stopped."
            raise DriverError(code, text) from error


async def _message(reader: asyncio.StreamReader) -> dict[str, object]:
    line = await reader.readline()
    if not line.endswith(b"\n"):
        raise ConnectionResetError("the connection was closed")
    try:
        message = json.loads(line)
    except RecursionError as error:
        raise ValueError("too deeply nested") from error
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message


def _printable(text: object) -> str:
    return "".join(c if c.isprintable() else " " for c in str(text)[:_REASON_CHARACTERS]).strip(" .")


def check_private(socket: Path) -> None:
    """Raise DriverError INVALID unless a socket's directory is closed to all but its owner."""
    try:
        mode = stat.S_IMODE(socket.parent.stat().st_mode)
    except OSError as error:
        raise _unreachable(socket, error) from error
    if mode & 0o077:
        raise DriverError(
            ErrorCode.INVALID,
            f"{socket} lies in a directory of mode {mode:04o}, more than 0700: whoever reaches the socket "
            "reaches the volumes. Maybe give it a directory of its own.",
        )


def _unreachable(socket: Path, error: OSError) -> DriverError:
    code = ErrorCode.DENIED if isinstance(error, PermissionError) else ErrorCode.UNAVAILABLE
    return DriverError(code, f"cannot reach {socket}: {error.strerror or error}. Maybe QEMU is not running.")


def rows(answer: object) -> list[dict[str, object]]:
    """A list of objects, as QEMU answers most queries; raises DriverError where it is none."""
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise DriverError(ErrorCode.UNAVAILABLE, "QEMU answered with something other than a list of objects")
    return answer
