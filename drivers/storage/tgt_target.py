"""A volume's target on tgtd: built so that nobody reaches it, published to who is admitted, taken away.

Three things that tgt 1.0.85 does shape this; each has a test:

- Taking an identity off a target's list ends neither sessions nor logins that have begun, and those cannot be listed.
  So access ends by deleting the target by force and building it anew, with another number, for whoever remains;
  their sessions break and come back.
- Taking an account from a target that lists others after it leaves a gap, and showing a gap kills tgtd.
- A connected initiator can forge what tgtd shows (tgt_show).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from allocator.driver import Client, DriverError, ErrorCode
from drivers.storage.backing import BackingFile, PoolDirectory
from drivers.storage.tgt_access import Account, identity, kind
from drivers.storage.tgt_control import Control
from drivers.storage.tgt_show import Target
from drivers.storage.tgt_wire import TgtError, TgtRefusal

_QUIET_SECONDS: Final = 5
"""How long commands in flight may keep a target from being deleted; at queue depth 64 it took 0.01 s."""
_PAUSE_SECONDS: Final = 0.005
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Lun:
    """A volume as tgtd is to serve it: its file, and what its target is called."""

    volume_id: str
    target_name: str
    directory: PoolDirectory
    direct: bool

    @property
    def path(self) -> str:
        return str(self.directory.path(self.volume_id))

    def require_file(self) -> BackingFile:
        """The volume's file. Raises DriverError NOT_FOUND."""
        found = self.directory.find(self.volume_id)
        if found is None:
            raise DriverError(
                ErrorCode.NOT_FOUND, f"volume {self.volume_id} has no file {self.path}. Maybe it was deleted."
            )
        return found


async def build(control: Control, lun: Lun, *, thin: bool | None) -> Target:
    """Target, unit and parameters, each made or found as it is; `thin` None: as the file is. Nobody is admitted."""
    number = await _number(control, lun)
    await control.new_unit(number, lun.path, direct=lun.direct)
    if thin is None:
        thin = lun.require_file().thin
    await control.describe_unit(number, lun.volume_id, thin=thin)
    return Target(number, lun.target_name)


async def admit(control: Control, lun: Lun, target: Target, client: Client, credentials: Account | None) -> Target:
    """Let a client log in, last of all; the target as it is then.

    An account that is bound already gets the secret anew, since the old one cannot be read: meanwhile nobody can
    begin a login, and sessions go on. Raises DriverError CONFLICT where it would mix kinds of access.
    """
    admitted = identity(client)
    _refuse_mixture(lun, target, admitted, with_secret=credentials is not None)
    accounts = list(target.accounts)
    if credentials is not None:
        if credentials.name in accounts:
            await _withdraw(control, target)
            accounts.remove(credentials.name)
        await control.replace_account(credentials)
        accounts.append(credentials.name)
    everyone = list(dict.fromkeys([*target.admitted, admitted]))
    await publish(control, target.number, accounts, everyone)
    return replace(target, accounts=tuple(accounts), admitted=tuple(everyone))


async def publish(control: Control, number: int, accounts: Iterable[str], admitted: Iterable[str]) -> None:
    """Bind accounts, then admit: whoever is admitted is asked for a secret from the first moment."""
    for name in accounts:
        await control.bind_account(number, name)
    for each in admitted:
        await control.admit(number, each)


async def remove(control: Control, lun: Lun, number: int, *, force: bool) -> None:
    """Delete the target; absent is success. With `force` its sessions end, else they are IN_USE.

    Raises DriverError BUSY where commands stay in flight.
    """
    deadline = asyncio.get_running_loop().time() + _QUIET_SECONDS
    while True:
        if force:
            await control.close_connections(number)
        try:
            return await control.delete_target(number, force=force)
        except TgtRefusal as refusal:
            if refusal.native is TgtError.TARGET_ACTIVE:
                raise DriverError(
                    ErrorCode.IN_USE, f"volume {lun.volume_id} has sessions. Maybe revoke access first."
                ) from refusal
            if refusal.native is not TgtError.UNIT_ACTIVE:
                raise
            if asyncio.get_running_loop().time() > deadline:
                raise DriverError(
                    ErrorCode.BUSY,
                    f"volume {lun.volume_id} has had commands in flight for {_QUIET_SECONDS} s. Maybe try again.",
                    retry_after_seconds=_QUIET_SECONDS,
                ) from refusal
        await asyncio.sleep(_PAUSE_SECONDS)


async def drop_accounts(control: Control, lun: Lun, keep: Sequence[str] = ()) -> None:
    """Take away the volume's accounts but for `keep`; their target no longer lists them."""
    for name in await control.accounts():
        if name.endswith(f".{lun.volume_id}") and name not in keep:
            await control.delete_account(name)


async def _number(control: Control, lun: Lun) -> int:
    for _ in range(_TRIES):
        number = (await control.numbers()).get(lun.target_name)
        if number is not None:
            return number
        try:
            return await control.new_target(lun.target_name)
        except TgtRefusal as refusal:
            if refusal.native is not TgtError.TARGET_EXISTS:
                raise
    raise DriverError(ErrorCode.BUSY, f"target {lun.target_name} comes and goes. Maybe two engines run it.")


async def _withdraw(control: Control, target: Target) -> None:
    for each in target.admitted:
        await control.dismiss(target.number, each)
    for name in reversed(target.accounts):
        await control.unbind_account(target.number, name)


def _refuse_mixture(lun: Lun, target: Target, admitted: str, *, with_secret: bool) -> None:
    """A name and an address each let in by themselves, and one account is asked of everybody: so one kind only."""
    others = [each for each in target.admitted if each != admitted]
    wrong = [each for each in others if kind(each) != kind(admitted)]
    if wrong:
        raise DriverError(
            ErrorCode.CONFLICT,
            f"volume {lun.volume_id} admits the {kind(wrong[0])} {wrong[0][:80]!a}; the {kind(admitted)} {admitted} "
            "beside it would widen access, not narrow it. Maybe give every host the same kind of endpoint.",
        )
    if (target.accounts and not with_secret) or (others and with_secret and not target.accounts):
        raise DriverError(
            ErrorCode.CONFLICT,
            f"volume {lun.volume_id} is granted {'with' if target.accounts else 'without'} CHAP, and {admitted} comes "
            f"{'with' if with_secret else 'without'} it. Maybe revoke access first.",
        )
