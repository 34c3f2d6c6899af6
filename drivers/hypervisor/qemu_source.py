"""The granted string as QEMU's block options: where a volume's bytes are, whatever product keeps them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from allocator.agent import Access, DriverError, ErrorCode

SOCKET_PATH_BYTES: Final = 107
"""sun_path of Linux's unix(7), less the closing NUL."""
_HOST: Final = r"[A-Za-z0-9][A-Za-z0-9.-]{0,253}|\[[0-9A-Fa-f:.]{2,45}\]"
_SERVER: Final = rf"(?P<host>{_HOST}):(?P<port>[1-9][0-9]{{0,4}})"
_ISCSI_NAME: Final = r"(?:iqn|eui|naa)\.[A-Za-z0-9.:-]{1,219}"
"""RFC 7143, 4.2.7: at most 223 bytes of these."""
_TEXT: Final = r"(?:[A-Za-z0-9._~!$'()*+,;=:@/-]|%[0-9A-Fa-f]{2}){1,4096}"
"""What RFC 3986, 3.3 makes a path of, less the & that divides a query."""
_FORMS: Final = (
    re.compile(rf"iscsi://{_SERVER}/(?P<target>{_ISCSI_NAME})/(?P<lun>[0-9]{{1,5}})"),
    re.compile(rf"nbd://{_SERVER}/(?P<export>{_TEXT})"),
    re.compile(rf"nbd\+unix:///(?P<export>{_TEXT})\?socket=(?P<path>/{_TEXT})"),
    re.compile(rf"file://(?P<path>/{_TEXT})"),
)
_LAST_PORT: Final = 2**16 - 1
_LAST_LUN: Final = 2**14 - 1
"""The flat addressing of SAM-5 has 14 bits."""


@dataclass(frozen=True, slots=True)
class Source:
    """QEMU's options for the block node that reaches a volume, and the CHAP secret, which travels apart."""

    options: Mapping[str, object]
    secret: str | None = field(default=None, repr=False)

    def node_name(self, device: str) -> str:
        """A name that differs for each device and source, as long as QEMU allows: 31 characters."""
        return "s" + self._digest(device)[:30]

    def image_name(self, device: str) -> str:
        """The same for the node above it, which a mirror replaces; of one device all begin alike."""
        return image_prefix(device) + self._digest(device)[:16]

    def _digest(self, device: str) -> str:
        text = json.dumps([device, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def image_prefix(device: str) -> str:
    """How the names of a device's images begin."""
    return "i" + hashlib.sha256(device.encode()).hexdigest()[:14]


def parse(access: Access, initiator: str | None, secret_id: str) -> Source:
    """What QEMU has to open for one of these, percent-encoding undone where the form has room for it:

    `iscsi://HOST:PORT/IQN/LUN`, `nbd://HOST:PORT/EXPORT`, `nbd+unix:///EXPORT?socket=PATH`, `file:///PATH`.
    The iSCSI secrets are `chap_user` and `chap_secret`; `secret_id` is QEMU's name for the latter. Raises
    DriverError: INVALID for any other text, UNSUPPORTED for secrets that QEMU could only ignore.
    """
    uri = access.uri
    match = next((found for form in _FORMS if (found := form.fullmatch(uri))), None)
    if match is None:
        forms = "iscsi://HOST:PORT/IQN/LUN, nbd://HOST:PORT/EXPORT, nbd+unix:///EXPORT?socket=PATH and file:///PATH"
        raise _invalid(uri, f"is none of {forms}")
    parts = {name: _decoded(uri, text) for name, text in match.groupdict().items()}
    if "port" in parts and int(parts["port"]) > _LAST_PORT:
        raise _invalid(uri, f"names port {parts['port']}, above {_LAST_PORT}")
    if "target" in parts:
        return _iscsi(access, parts, initiator, secret_id)
    if access.secrets:
        raise DriverError(ErrorCode.UNSUPPORTED, f"{uri} has secrets. Maybe its driver means them for iSCSI.")
    path = parts.get("path", "/")
    if ".." in path.split("/"):
        raise _invalid(uri, "leads upwards")
    if "export" not in parts:
        return Source({"driver": "file", "filename": path})
    if "host" in parts:
        server = {"type": "inet", "host": parts["host"].strip("[]"), "port": parts["port"]}
    else:
        server = {"type": "unix", "path": socket_path(path)}
    return Source({"driver": "nbd", "server": server, "export": parts["export"]})


def socket_path(path: object) -> str:
    """An absolute path that a unix socket can have; raises DriverError INVALID."""
    if not isinstance(path, str) or not path.startswith("/") or not path.isprintable():
        raise DriverError(ErrorCode.INVALID, f"{path!r} is no absolute path. Maybe begin it with a slash.")
    if len(path.encode()) > SOCKET_PATH_BYTES:
        raise DriverError(
            ErrorCode.INVALID,
            f"{path}: {len(path.encode())} bytes, and a socket's path has at most {SOCKET_PATH_BYTES}. "
            "Maybe use a directory higher up.",
        )
    return path


def _iscsi(access: Access, parts: Mapping[str, str], initiator: str | None, secret_id: str) -> Source:
    lun = int(parts["lun"])
    if lun > _LAST_LUN:
        raise _invalid(access.uri, f"names LUN {lun}, above {_LAST_LUN}")
    options: dict[str, object] = {
        "driver": "iscsi",
        "transport": "tcp",
        "portal": f"{parts['host']}:{parts['port']}",
        "target": parts["target"],
        "lun": lun,
    }
    if initiator is not None:
        if re.fullmatch(_ISCSI_NAME, initiator) is None:
            raise DriverError(ErrorCode.INVALID, f"{initiator!r} is no iSCSI name. Maybe begin it with iqn.")
        options["initiator-name"] = initiator
    if not access.secrets:
        return Source(options)
    if set(access.secrets) != {"chap_user", "chap_secret"}:
        names = ", ".join(sorted(access.secrets))
        text = f"{access.uri} has the secrets {names}, and QEMU takes chap_user and chap_secret"
        raise DriverError(ErrorCode.UNSUPPORTED, f"{text}. Maybe its driver means them for another agent.")
    options |= {"user": access.secrets["chap_user"], "password-secret": secret_id}
    return Source(options, access.secrets["chap_secret"])


def _decoded(uri: str, text: str) -> str:
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise _invalid(uri, "encodes bytes that are not UTF-8") from error
    if not decoded.isprintable():
        raise _invalid(uri, "encodes a control character")
    return decoded


def _invalid(uri: str, complaint: str) -> DriverError:
    shown = re.sub(r"//[^/]*@", "//...@", uri[:300])
    return DriverError(ErrorCode.INVALID, f"the granted string {shown!r} {complaint}. Maybe grant it again.")
