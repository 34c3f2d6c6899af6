"""Mending while other processes place, attach, detach and delete, and two that mend at once: nobody is harmed."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial

import pytest

from allocator import Allocator
from allocator.domain.plan import Plan
from allocator.ledger import AlreadyHeld, Ledger, Turn
from tests.reconcile.sites import Site

SEED = 20261120
OPERATIONS = 20


def in_process(work: Callable[[], None]) -> int:
    """Do something in a process of its own; its id."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def busy_life(site: Site, name: str) -> None:
    """One volume that comes and goes and is attached here and there; every plan must be done as it was decided."""
    chance = random.Random(f"{SEED} {name}")
    there, hosts = False, set[str]()
    with site.opened() as allocator:
        for _ in range(OPERATIONS):
            host = chance.choice(["h1", "h2"])
            if not there:
                carried_out(allocator, lambda: allocator.place([{"name": name, "size": "1MiB", "pool": "d1"}]).plan)
                there = True
            elif host in hosts:
                carried_out(allocator, partial(allocator.detach, name, host))
                hosts.remove(host)
            elif not hosts and chance.random() < 0.5:
                carried_out(allocator, partial(allocator.delete, name))
                there = False
            elif not hosts:
                carried_out(allocator, partial(allocator.attach, name, host))
                hosts.add(host)


def carried_out(allocator: Allocator, decide: Callable[[], Plan]) -> None:
    """A plan is decided, and again where a mend held the volume at that moment; then it is done."""
    while True:
        with suppress(AlreadyHeld):
            plan = decide()
            break
    report = asyncio.run(allocator.apply(plan))
    assert report.state == "done", report


def test_mending_beside_plans_that_run(site: Site) -> None:
    """Two volumes live a busy life in two processes. What is mended meanwhile is nothing of theirs."""
    kept = site.make("kept")
    lives = {name: in_process(partial(busy_life, site, name)) for name in ("a", "b")}
    codes = dict[str, int]()
    while len(codes) < len(lives):
        fixed = site.reconcile(fix=True)
        assert fixed.unmended == (), fixed
        for name in lives.keys() - codes.keys():
            process, status = os.waitpid(lives[name], os.WNOHANG)
            if process:
                codes[name] = os.waitstatus_to_exitcode(status)
    assert codes == {"a": 0, "b": 0}, f"seed {SEED}"
    assert site.found() == ()
    ledger = site.allocator.ledger
    assert ledger is not None
    assert ledger.unfinished() == []
    files = {path.name for path in (site.at / "d1" / "volumes").iterdir()}
    assert files == {stored.volume_id for stored in ledger.volumes()} >= {kept}


def test_what_another_takes_up_before_it_can_be_mended_is_left_to_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan that only binds a volume changes none of the facts, and is noticed all the same."""
    identity = site.make("kept")
    (site.at / "d1" / "granted" / "h1" / identity).unlink()
    deciding, plans = Ledger.deciding, list[Plan]()

    def late(ledger: Ledger) -> AbstractContextManager[Turn]:
        if not plans:
            monkeypatch.setattr(Ledger, "deciding", deciding)
            with site.opened() as other:
                plans.append(other.detach("kept", "h1"))
        return deciding(ledger)

    monkeypatch.setattr(Ledger, "deciding", late)
    fixed = site.reconcile(fix=True)
    assert [(skipped.subject, skipped.plan) for skipped in fixed.skipped] == [("kept", plans[0].id)]
    assert (fixed.left, fixed.unmended) == ((), ())
    assert asyncio.run(site.allocator.apply(plans[0])).state == "done"
    assert site.found() == ()


def test_two_that_mend_at_once(site: Site) -> None:
    """Ten orphans and ten lost grants: each is mended once, whoever comes first, and both come to their end."""
    kept = [site.make(f"kept-{number}", size="1MiB") for number in range(10)]
    for number in range(10):
        site.make(f"lost-{number}", size="1MiB")
        site.forget(f"lost-{number}")
    for identity in kept:
        (site.at / "d1" / "granted" / "h1" / identity).unlink()

    def mend() -> None:
        with site.opened() as allocator:
            asyncio.run(allocator.reconcile(fix=True))

    processes = [in_process(mend) for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes] == [0, 0, 0]
    assert site.reconcile(fix=True).left == ()
    assert site.found() == ()
    assert {path.name for path in (site.at / "d1" / "volumes").iterdir()} == set(kept)
    assert {path.name for path in (site.at / "d1" / "granted" / "h1").iterdir()} == set(kept)
