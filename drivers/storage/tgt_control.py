"""The words in which the driver speaks to tgtd; what enters its comma-separated text is checked here."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Coroutine
from typing import Any, Final

from allocator.driver import DriverError, ErrorCode
from drivers.storage.tgt_access import Account, kind
from drivers.storage.tgt_show import ForgedListing, Listing, account_names, connections, target_numbers
from drivers.storage.tgt_wire import Mode, Op, TgtError, TgtRefusal, request

UNIT: Final = 1
"""The number of a target's only volume; tgtd keeps 0 for its controller."""
_MOST_TARGETS: Final = 2**31 - 1
_LOOKS: Final = 3
_TARGET_NAME: Final = re.compile(r"[A-Za-z0-9.:-]{1,223}")
"""tgtd refuses every other character."""
_UNSAFE: Final = re.compile(r"[,=\x00-\x1f\x7f]")


class Control:
    """One tgtd by its control socket. Every method raises DriverError; `...Refusal` where tgtd said no."""

    def __init__(self, socket: str) -> None:
        self.socket = socket

    async def numbers(self) -> dict[str, int]:
        """Each target's number by its name: cheap, and nothing in it comes from initiators."""
        return target_numbers(await request(self.socket, Mode.TRANSPORT, Op.SHOW))

    async def listing(self) -> Listing:
        """All targets. Raises ForgedListing where initiators wrote into it."""
        for look in range(_LOOKS):
            before = await request(self.socket, Mode.TRANSPORT, Op.SHOW)
            text = await request(self.socket, Mode.TARGET, Op.SHOW, target=-1)
            after = await request(self.socket, Mode.TRANSPORT, Op.SHOW)
            try:
                return Listing(before, text, after)
            except ForgedListing:
                if look == _LOOKS - 1:
                    raise
        raise AssertionError("unreachable")

    async def new_target(self, name: str) -> int:
        """Make a target that nobody may log in to; its number.

        Numbers are drawn at random: tgtd lets a login that began on a deleted target end on a new one with the
        same number, without asking who is admitted there.
        """
        if not _TARGET_NAME.fullmatch(name):
            raise DriverError(
                ErrorCode.INVALID,
                f"target name {name[:80]!a} has characters or a length that tgtd refuses.",
            )
        number = 1 + secrets.randbelow(_MOST_TARGETS)
        await request(self.socket, Mode.TARGET, Op.NEW, f"targetname={name}", target=number)
        return number

    async def delete_target(self, number: int, *, force: bool) -> None:
        """Take a target away; with `force`, its sessions and half-made logins end too. Absent is success."""
        await self._unless(TgtError.NO_TARGET, request(self.socket, Mode.TARGET, Op.DELETE, target=number, force=force))

    async def new_unit(self, number: int, path: str, *, direct: bool) -> None:
        """Serve a file as the target's volume; success where there is one already."""
        flags = ",bsoflags=direct" if direct else ""
        text = f"path={_checked('path', path)},bstype=rdwr{flags}"
        await self._unless(
            TgtError.UNIT_EXISTS, request(self.socket, Mode.UNIT, Op.NEW, text, target=number, unit=UNIT)
        )

    async def describe_unit(self, number: int, volume_id: str, *, thin: bool) -> None:
        """Give the volume a serial number of its own.

        tgtd's default is made from the target's number, so that a client would meet another disk after a restart.
        """
        serial = hashlib.sha256(volume_id.encode()).hexdigest()[:32]
        text = f"targetOps scsi_id={serial},scsi_sn={serial},thin_provisioning={int(thin)},"
        await request(self.socket, Mode.UNIT, Op.UPDATE, text, target=number, unit=UNIT)

    async def admit(self, number: int, identity: str) -> None:
        """Let an identity log in from now on."""
        await self._unless(
            TgtError.ADMITTED, request(self.socket, Mode.TARGET, Op.BIND, _identity(identity), target=number)
        )

    async def dismiss(self, number: int, identity: str) -> None:
        """Let an identity begin no new login; sessions and half-made logins go on."""
        await self._unless(
            TgtError.NOT_ADMITTED,
            request(self.socket, Mode.TARGET, Op.UNBIND, _identity(identity), target=number),
        )

    async def close_connections(self, number: int) -> None:
        """Cut every session of a target; its clients may come back where they are admitted."""
        gone = (TgtError.NO_TARGET, TgtError.NO_SESSION, TgtError.NO_CONNECTION)
        about = Mode.CONNECTION
        try:
            for session, connection in connections(await request(self.socket, about, Op.SHOW, target=number)):
                await request(self.socket, about, Op.DELETE, target=number, session=session, connection=connection)
        except TgtRefusal as refusal:
            if refusal.native not in gone:
                raise

    async def accounts(self) -> list[str]:
        """The name of every account."""
        return account_names(await request(self.socket, Mode.ACCOUNT, Op.SHOW))

    async def replace_account(self, account: Account) -> None:
        """Make an account; one of that name is taken away first, since its secret cannot be read."""
        await self.delete_account(account.name)
        text = f"user={_checked('CHAP user', account.name)},password={_checked('CHAP secret', account.secret)}"
        await request(self.socket, Mode.ACCOUNT, Op.NEW, text)

    async def delete_account(self, name: str) -> None:
        """Take an account away. It must be the last that its target lists: see `unbind_account`."""
        text = f"user={_checked('CHAP user', name)}"
        await self._unless(TgtError.NO_USER, request(self.socket, Mode.ACCOUNT, Op.DELETE, text))

    async def bind_account(self, number: int, name: str) -> None:
        """Ask for this account's secret at login, beside those bound before."""
        text = f"user={_checked('CHAP user', name)}"
        await self._unless(TgtError.USER_EXISTS, request(self.socket, Mode.ACCOUNT, Op.BIND, text, target=number))

    async def unbind_account(self, number: int, name: str) -> None:
        """Undo `bind_account`. Only ever the last of several: a gap in the row makes tgtd crash when it is shown."""
        text = f"user={_checked('CHAP user', name)}"
        await self._unless(TgtError.NO_USER, request(self.socket, Mode.ACCOUNT, Op.UNBIND, text, target=number))

    async def _unless(self, harmless: TgtError, answer: Coroutine[Any, Any, str]) -> None:
        try:
            await answer
        except TgtRefusal as refusal:
            if refusal.native is not harmless:
                raise


def _identity(identity: str) -> str:
    key = "initiator-name" if kind(identity) == "initiator name" else "initiator-address"
    return f"{key}={_checked('identity', identity)}"


def _checked(what: str, text: str) -> str:
    """The text itself. Raises DriverError INVALID, without quoting it, where tgtd would read more than one value."""
    if not text or _UNSAFE.search(text) or not text.isprintable():
        raise DriverError(
            ErrorCode.INVALID,
            f"a {what} for tgtd is empty or has a comma, an equals sign or a control character. Maybe rename it.",
        )
    return text
