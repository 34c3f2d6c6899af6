"""`kill -9` of processes that carry plans out on a real tgtd and real QEMUs (R18-R21); `bench crash` is the campaign.

`ALLOCATOR_CRASH_KILLS` says how many die at random instants, in each of the two tests that do so.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from allocator.driver import Client, DriverError, ErrorCode, Handle
from bench.crash.campaign import Campaign, Outcome
from bench.crash.moving import Moving, drained
from bench.crash.round import Round
from bench.crash.site import HOSTS, Site, lacking, site
from bench.crash.worker import PATIENCE
from drivers.storage.tgt import TgtDriver
from drivers.storage.tgt_control import Control

KILLS = int(os.environ.get("ALLOCATOR_CRASH_KILLS", "5"))
SEED = 1
MOST_BOUNDARIES = 200


class Crash(BaseException):
    """Nothing that anybody handles: as if the process had died."""


@pytest.fixture(scope="module")
def there() -> Iterator[Site]:
    """Servers for all tests here: each round takes away what it made."""
    packages = lacking()
    if packages:
        pytest.skip(f"Maybe `apt-get install {' '.join(packages)}`.")
    # Paths of sockets are bounded, and pytest's are long.
    with tempfile.TemporaryDirectory(prefix="crash-") as directory, site(Path(directory)) as running:
        yield running


def test_at_every_boundary_of_a_placement(there: Site) -> None:
    """Before an intent is written, before the call, before its result is, and after: LUN, ACL, account and device."""
    campaign = Campaign(there, span_seconds=0)
    for boundary in range(1, MOST_BOUNDARIES):
        outcome = campaign.play(Round(SEED, f"place@{boundary}", faulty=False, volumes=1))
        assert outcome.wrong == [], (boundary, campaign.complaints())
        if not outcome.kills:
            break
    # The claim, three calls and the commits between them and after, each with a before and an after, and the end.
    assert boundary - 1 >= 2 * (1 + 3 + 4 + 1)


@pytest.mark.parametrize("faulty", [False, True])
def test_at_random_instants(there: Site, faulty: bool) -> None:
    """Plans of 1 to 4 volumes, up to three workers; and where drivers fail, lose answers or have no space besides."""
    campaign, total = Campaign(there), Outcome()
    for number in range(20 * KILLS):
        outcome = campaign.play(Round(SEED, str(number), faulty))
        total.kills += outcome.kills
        assert outcome.wrong == [], (f"bench crash --seed {SEED} --only {number}", campaign.complaints())
        if total.kills >= KILLS:
            break
    assert total.kills >= KILLS


def test_a_pool_is_drained_while_others_place_detach_and_delete(there: Site) -> None:
    """R19, R27: what moved is where it was to go, once and with its bytes, whoever died while it was copied."""
    campaign, total = Campaign(there), Outcome()
    for number in range(20):
        outcome = campaign.play(Round(SEED, str(number), faulty=False, moves=True))
        total.kills += outcome.kills
        assert outcome.wrong == [], (f"bench crash --moves --seed {SEED} --only {number}", campaign.complaints())
        if total.kills >= 2:
            break
    assert total.kills >= 2


def test_a_revoke_that_was_cut_short_is_made_whole_though_nobody_is_admitted_any_more(
    there: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R20: killed before the CHAP account went; whoever goes on loses an answer and asks: nobody is let in, and yet."""
    url = there.new_ledger("revoked")
    revoke, calls = TgtDriver.revoke_access, 0

    async def lost(driver: TgtDriver, handle: Handle, client: Client) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise DriverError(ErrorCode.UNKNOWN_OUTCOME, "The answer was lost.")
        await revoke(driver, handle, client)

    async def killed(control: Control, name: str) -> None:
        raise Crash

    with there.open(url) as allocator:
        request = {"name": "a", "vm": "m", "size": 2**20, "host": HOSTS[0]}
        assert asyncio.run(allocator.apply(allocator.place([request]).plan)).state == "done"
        plan = allocator.detach("a")
        with monkeypatch.context() as patched:
            patched.setattr(Control, "delete_account", killed)
            with pytest.raises(Crash):
                asyncio.run(allocator.apply(plan))
        assert (there.there().admitted, len(there.there().accounts)) == (frozenset(), 1)
        with monkeypatch.context() as patched:
            patched.setattr(TgtDriver, "revoke_access", lost)
            assert asyncio.run(allocator.apply(plan, patience=PATIENCE)).state == "done"
        assert there.there() == there.recorded(url)
        assert asyncio.run(allocator.apply(allocator.delete("a"))).state == "done"


def test_other_bytes_and_volumes_that_stayed_are_seen(there: Site) -> None:
    """The comparison of moves: one volume was written meanwhile, and none has moved."""
    url = there.new_ledger("compared")
    with there.open(url) as allocator:
        assert allocator.ledger is not None
        plan = allocator.place([{"name": name, "size": 2**20} for name in "ab"]).plan
        assert asyncio.run(allocator.apply(plan)).state == "done"
        moving = drained(allocator, there, Random(SEED))
        stored = {volume.name: volume for volume in allocator.ledger.volumes()}
        assert moving.wrong(there, stored, all_done=False) == []
        moved = Moving(moving.waves[:1], moving.sums)
        (first, *_) = [move for wave in moved.waves for move in wave]
        there.file(stored[first.volume]).write_bytes(bytes(2**20))
        wrong = moved.wrong(there, stored, all_done=True)
        for name in "ab":
            assert asyncio.run(allocator.apply(allocator.delete(name))).state == "done"
    assert wrong[0] == f"{first.volume} has other bytes"
    assert f"{first.volume} is not on {first.target}" in wrong


def test_what_is_left_or_lost_is_seen(there: Site, tmp_path: Path) -> None:
    """The comparison itself: a file that nobody recorded, and a LUN that is gone."""
    campaign = Campaign(there, span_seconds=0)
    stray = there.directory / "san-2" / "volumes" / "vol-0123456789abcdef"
    stray.parent.mkdir(exist_ok=True, mode=0o700)
    stray.touch(0o600)
    try:
        outcome = campaign.play(Round(SEED, "place@999", faulty=False, volumes=1))
    finally:
        stray.unlink()
    assert outcome.wrong[0] == "luns too many: [('san-2', 'vol-0123456789abcdef')]"
