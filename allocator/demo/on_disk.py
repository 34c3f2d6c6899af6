"""Files on local disks: the part of the real half that needs nothing but this machine."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from allocator.demo.servers import agent_config, install, missing, storage_daemon
from allocator.demo.session import Session, files_below, volume_in
from allocator.demo.telling import Teller
from allocator.domain.sizes import MIB

_POOLS: Final = ("disk-a", "disk-b")
_VOLUMES: Final = ("web-root", "web-data")


def on_disk(teller: Teller, directory: Path, shipped: Path) -> None:
    """Place the two volumes of a VM, make them, look, and take them away."""
    teller.section("5. Files on `local` pools: made, granted, attached, and gone (R18-R21, R23)")
    disks = [directory / pool for pool in _POOLS]
    here: dict[str, Any] = {
        "pools": [{"name": disk.name, "details": {"path": str(disk)}} for disk in disks],
    }
    with _attaching(teller, directory) as qemu:
        if qemu:
            here |= {
                "agents": {"qemu": {"agent": "qemu", "config": qemu}},
                "hosts": [{"name": "here", "agent": "qemu"}],
            }
        with Session(teller, directory, shipped, here) as session:
            _make(teller, session, disks, attaches=bool(qemu))
            for name in _VOLUMES:
                session.change(f"delete {name}", session.allocator.delete(name))
            teller.claim("Nothing is left on either disk, nor in the ledger.", not _files(disks) and session.is_empty())


@contextmanager
def _attaching(teller: Teller, directory: Path) -> Iterator[dict[str, Any]]:
    """A QEMU to attach to, as its agent's settings; empty where none is installed."""
    lacking = missing("qemu-storage-daemon", "setpriv")
    if lacking:
        teller.skip(f"attaching, which is QEMU's part. {install(lacking)}")
        yield {}
        return
    with storage_daemon(directory) as monitor:
        yield agent_config(monitor)


def _make(teller: Teller, session: Session, disks: list[Path], *, attaches: bool) -> None:
    outcome = session.place()
    teller.claim(
        "The VM's volumes go to one host, each on a disk of its own as it asked; nothing is made yet.",
        sorted((placed.pool, placed.host) for placed in outcome.placed) == [(pool, "here") for pool in _POOLS]
        and not _files(disks),
    )
    report = session.apply(outcome.plan)
    made = [volume_in(report, name) for name in _VOLUMES]
    paths = [Path(volume.native_id or "") for volume in made]
    links = [Path(unquote(urlsplit(volume.reached[0].uri or "").path)) for volume in made]
    for volume in made:
        teller.answered(f"{volume.volume} is reached by {volume.reached[0].uri}")
    teller.claim(
        "createAsync made two files of the sizes asked for, closed to other users.",
        [path.stat().st_size for path in paths] == [32 * MIB, 64 * MIB]
        and {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600},
    )
    teller.claim(
        "The string that grantAccess gave leads to each volume's file.",
        all(link.samefile(path) for link, path in zip(links, paths, strict=True)),
    )
    if attaches:
        devices = [volume.reached[0].device or "" for volume in made]
        teller.answered("\n".join(f"attached as {device}" for device in devices))
        teller.claim("QEMU has both, each as a device.", all(device.startswith("nbd+unix:") for device in devices))
    again = session.apply(outcome.plan)
    teller.claim("The same plan again makes nothing twice.", again == report and len(_files(disks)) == 4)


def _files(disks: list[Path]) -> list[Path]:
    """Every file on the disks; a granted volume has two names."""
    return [path for disk in disks for path in files_below(disk)]
