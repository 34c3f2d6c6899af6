"""Storage driver `tgt`: one iSCSI target of tgtd per volume, over a file; who may log in is the target's own list.

The order is file, target, unit, parameters, accounts, and who is admitted last: nothing is reachable before that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from allocator.domain.qos import Qos
from allocator.driver import (
    Access,
    Client,
    DriverError,
    ErrorCode,
    Handle,
    ObservedVolume,
    PoolConfig,
    PoolStats,
    VolumeWish,
)
from drivers.storage.backing import BackingFile, PoolDirectory, check_volume_id
from drivers.storage.tgt_access import account, account_name, identity, shown_as
from drivers.storage.tgt_control import UNIT, Control
from drivers.storage.tgt_show import ForgedListing, Listing, Target
from drivers.storage.tgt_target import Lun, admit, build, drop_accounts, publish, remove

_SOCKET: Final = re.compile(r"/[^\0]{1,106}")
"""unix(7): a path of 107 bytes and its NUL."""
_PORTAL: Final = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]):[0-9]{1,5}")
_PREFIX: Final = re.compile(r"iqn\.[0-9]{4}-[0-9]{2}\.[a-z0-9.:-]{0,119}[a-z0-9]")
_DEFAULT_PREFIX: Final = "iqn.2026-01.org.allocator"


class TgtDriver:
    """Volumes behind one tgtd on this machine.

    Config: `control`, the path of tgtd's socket; `portal`, its ADDRESS:PORT; `iqn_prefix`, before each volume's id.
    Pool details: `path`, a directory; `direct: true` to go around the page cache.
    """

    def __init__(self, config: Mapping[str, object], pools: Sequence[PoolConfig]) -> None:
        unknown = sorted(set(config) - {"control", "portal", "iqn_prefix"})
        if unknown:
            raise DriverError(ErrorCode.INVALID, f"driver tgt knows no config {unknown}. Maybe control or portal.")
        self._control = Control(_setting(config, "control", _SOCKET, "/run/tgtd/socket.0"))
        self._portal = _setting(config, "portal", _PORTAL, "127.0.0.1:3260")
        self._prefix = _setting({"iqn_prefix": _DEFAULT_PREFIX, **config}, "iqn_prefix", _PREFIX, _DEFAULT_PREFIX)
        self._pools = {pool.name: (PoolDirectory(pool), _direct(pool)) for pool in pools}

    async def pool_stats(self, pool: str) -> PoolStats:
        return self._directory(pool).stats()

    async def create_async(self, wish: VolumeWish) -> Handle:
        lun = self._lun(wish.pool, wish.volume_id)
        if lun.target_name in await self._control.numbers():
            await self._refuse_other_wish(lun, wish)
        await asyncio.to_thread(lun.directory.create, wish)
        await build(self._control, lun, thin=not wish.thick)
        return self._handle(wish.pool, lun)

    async def delete_async(self, handle: Handle) -> None:
        lun = self._lun(handle.pool, handle.volume_id)
        target = await self._target(lun)
        if target is not None:
            if target.admitted:
                raise DriverError(
                    ErrorCode.IN_USE,
                    f"volume {lun.volume_id} is granted to {', '.join(target.admitted)}. Maybe revoke access first.",
                )
            await remove(self._control, lun, target.number, force=False)
        await drop_accounts(self._control, lun)
        lun.directory.delete(lun.volume_id)

    async def grant_access(self, handle: Handle, client: Client) -> Access:
        """Raises DriverError CONFLICT beside a grant by another kind of identity, or one that differs in CHAP."""
        lun = self._lun(handle.pool, handle.volume_id)
        credentials = account(client, lun.volume_id)
        lun.require_file()
        target = await self._target(lun)
        if target is None or UNIT not in target.units:
            target = await build(self._control, lun, thin=None)
        await admit(self._control, lun, target, client, credentials)
        secrets = {"chap_user": credentials.name, "chap_secret": credentials.secret} if credentials else {}
        return Access(f"iscsi://{self._portal}/{lun.target_name}/{UNIT}", secrets)

    async def revoke_access(self, handle: Handle, client: Client) -> None:
        """Ends the client's access and sessions by building the target anew; other hosts' sessions come back.

        A crash before they do costs them their access until `restore`, or until they are granted again. What could
        not be granted may have been admitted by others, and goes as well. Where the listing is forged nobody remains:
        a host that hides itself there must not keep its access.
        """
        lun = self._lun(handle.pool, handle.volume_id)
        gone, gone_account = shown_as(client), None
        with suppress(DriverError):
            gone_account = account_name(client, lun.volume_id)
        number = (await self._control.numbers()).get(lun.target_name)
        if number is None:
            await self._make_good(lun, None, gone_account)
            return
        try:
            target = await self._target(lun) or Target(number, lun.target_name)
        except ForgedListing:
            target = Target(number, lun.target_name, connected=frozenset({gone}))
        admitted = [each for each in target.admitted if each != gone]
        accounts = [name for name in target.accounts if admitted and name != gone_account]
        unchanged = admitted == list(target.admitted) and accounts == list(target.accounts)
        if unchanged and gone not in target.connected:
            await self._make_good(lun, target, gone_account)
            return
        if accounts and gone_account is None:
            raise DriverError(
                ErrorCode.INVALID,
                f"volume {lun.volume_id}: which of {len(accounts)} CHAP accounts is that of host {client.host}? "
                "Maybe name its CHAP user.",
            )
        await remove(self._control, lun, target.number, force=True)
        if lun.directory.find(lun.volume_id) is not None:
            unit = target.units.get(UNIT)
            built = await build(self._control, lun, thin=unit.thin if unit else None)
            await publish(self._control, built.number, accounts, admitted)
        await drop_accounts(self._control, lun, keep=accounts)

    async def inspect(self, pool: str, volume_id: str) -> ObservedVolume | None:
        lun = self._lun(pool, volume_id)
        found = lun.directory.find(volume_id)
        return None if found is None else self._observed(pool, found, await self._target(lun))

    async def list_volumes(self, pool: str) -> AsyncIterator[ObservedVolume]:
        files = self._directory(pool).scan()
        listing = await self._control.listing()
        for found in files:
            target = listing.find(f"{self._prefix}:{found.name}") if found.ours else None
            yield self._observed(pool, found, target)

    async def restore(self, wishes: Sequence[tuple[VolumeWish, Sequence[Client]]]) -> int:
        """Build what tgtd forgot, and admit who is missing, over files that are there; the number of volumes mended.

        Whatever can be mended is, before DriverError tells what could not: NOT_FOUND where a file is lost, which is
        never replaced by an empty one; CONFLICT where it is another wish's.
        """
        listing = await self._control.listing()
        mended, failures = 0, []
        for wish, clients in wishes:
            try:
                mended += await self._restore(wish, clients, listing)
            except DriverError as error:
                failures.append(error)
        if failures:
            told = " ".join(str(error) for error in failures[:5])
            raise DriverError(
                failures[0].code, f"{mended} of {len(wishes)} volumes mended, {len(failures)} not: {told}"
            )
        return mended

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _make_good(self, lun: Lun, target: Target | None, gone_account: str | None) -> None:
        """Do what a revoke that was cut short before it admitted anybody has left: the LUN whole, the account gone."""
        if (target is None or not target.admitted) and lun.directory.find(lun.volume_id) is not None:
            await build(self._control, lun, thin=None)
        if gone_account is not None and gone_account in await self._control.accounts():
            await self._control.delete_account(gone_account)

    async def _restore(self, wish: VolumeWish, clients: Sequence[Client], listing: Listing) -> bool:
        lun = self._lun(wish.pool, wish.volume_id)
        lun.directory.require(wish)
        target = listing.find(lun.target_name)
        missing = [client for client in clients if target is None or identity(client) not in target.admitted]
        if target is None or UNIT not in target.units:
            target = await build(self._control, lun, thin=not wish.thick)
        elif not missing:
            return False
        for client in missing:
            target = await admit(self._control, lun, target, client, account(client, lun.volume_id))
        return True

    async def _refuse_other_wish(self, lun: Lun, wish: VolumeWish) -> None:
        target = await self._target(lun)
        unit = target.units.get(UNIT) if target else None
        if unit is not None and unit.path != lun.path:
            raise DriverError(
                ErrorCode.CONFLICT,
                f"volume {lun.volume_id} is served from {unit.path[:200]!a} and wished for at {lun.path}. "
                "Maybe the id is used twice.",
            )
        lun.directory.require(wish)

    async def _target(self, lun: Lun) -> Target | None:
        return (await self._control.listing()).find(lun.target_name)

    def _directory(self, pool: str) -> PoolDirectory:
        if pool not in self._pools:
            raise DriverError(ErrorCode.INVALID, f"driver tgt does not serve pool {pool[:80]!a}.")
        return self._pools[pool][0]

    def _lun(self, pool: str, volume_id: str) -> Lun:
        directory = self._directory(pool)
        name = f"{self._prefix}:{check_volume_id(volume_id)}"
        return Lun(volume_id, name, directory, direct=self._pools[pool][1])

    def _handle(self, pool: str, lun: Lun) -> Handle:
        return Handle(lun.volume_id, pool, native_id=lun.target_name)

    def _observed(self, pool: str, found: BackingFile, target: Target | None) -> ObservedVolume:
        native_id = f"{self._prefix}:{found.name}" if found.ours else found.name
        return ObservedVolume(
            Handle(found.name, pool, native_id),
            found.size_bytes,
            found.used_bytes,
            Qos(),
            granted=target.admitted if target else (),
            sessions=target.sessions if target else 0,
            ours=found.ours,
        )


def _direct(pool: PoolConfig) -> bool:
    direct = pool.details.get("direct", False)
    if not isinstance(direct, bool):
        raise DriverError(ErrorCode.INVALID, f"pool {pool.name}: its detail direct is {direct!r}. Maybe true or false.")
    return direct


def _setting(config: Mapping[str, object], key: str, form: re.Pattern[str], example: str) -> str:
    value = config.get(key)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise DriverError(
            ErrorCode.INVALID, f"driver tgt: {key} is {ascii(value)[:200]}. Maybe write it like {example}."
        )
    return value
