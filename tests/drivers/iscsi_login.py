"""An iSCSI initiator that stops half-way, or says more than it should: the login of RFC 7143, section 11.12."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

_LOGIN: Final = struct.Struct("!BBBBB3s6sHIHxxII16x")
_OPCODE: Final = 0x43
_OPERATIONAL: Final = 0x04
"""Current stage: operational negotiation."""
_FINISH: Final = 0x83
"""Transit to the full feature phase."""
_SUCCESS: Final = 0


class IscsiLogin:
    """One login. `begin` is refused or let through by the target's list; `finish` makes the session."""

    def __init__(self, port: int, initiator: str, target: str, *, alias: str = "none", session: int = 1) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._isid = b"\x80\x00\x00\x00" + session.to_bytes(2, "big")
        self._text = (
            ("InitiatorName", initiator),
            ("InitiatorAlias", alias),
            ("SessionType", "Normal"),
            ("TargetName", target),
        )

    def begin(self) -> bool:
        """Send everything but the last step; whether the target lets it go on."""
        return self._send(_OPERATIONAL, self._text) == _SUCCESS

    def finish(self) -> bool:
        """The last step after `begin`; whether there is a session now."""
        return self._send(_OPERATIONAL | _FINISH, ()) == _SUCCESS

    def log_in(self) -> bool:
        """Both at once."""
        return self._send(_OPERATIONAL | _FINISH, self._text) == _SUCCESS

    def ended(self) -> bool:
        """Whether the target has cut the connection; waits for it up to the timeout."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionError:
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def _send(self, flags: int, pairs: Iterable[tuple[str, str]]) -> int | None:
        """One login request; the status class of its answer, None where the connection was cut."""
        data = b"".join(f"{key}={value}\0".encode() for key, value in pairs)
        header = _LOGIN.pack(_OPCODE, flags, 0, 0, 0, len(data).to_bytes(3, "big"), self._isid, 0, 1, 1, 1, 0)
        try:
            self._socket.sendall(header + data + b"\0" * (-len(data) % 4))
            answer = self._receive(48)
            length = int.from_bytes(answer[5:8], "big")
            self._receive(length + -length % 4)
        except (ConnectionError, EOFError):
            return None
        return answer[36]

    def _receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self._socket.recv(count - len(received))
            if not part:
                raise EOFError
            received += part
        return received
