"""`kill -9` while differences are mended, at every boundary; and others at work on the same volumes meanwhile."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from allocator.documents import volume_document
from allocator.domain.plan import Plan, Step
from allocator.driver import DriverError, ErrorCode
from allocator.ledger import Ledger
from allocator.planning.trust import PlanError
from drivers.storage.local import LocalDriver
from tests.reconcile.sites import Site

LAST_BOUNDARY = 200
CALLS = ("delete_async", "grant_access", "revoke_access")
COMMITS = ("foreign", "observed", "mark_gone", "condemn", "reserve", "claim", "record", "finish")


@pytest.fixture
def broken(site: Site) -> Site:
    """An orphan with a grant, a volume with the wrong grants, a half-made one, and one of somebody else."""
    site.make("lost")
    site.forget("lost")
    identity = site.make("v")
    granted = site.at / "d1" / "granted"
    (granted / "h2").mkdir()
    (granted / "h2" / identity).hardlink_to(site.at / "d1" / "volumes" / identity)
    (granted / "h1" / identity).unlink()
    site.make("half", host=None)
    site.sql("UPDATE allocator_volume SET state = 'creating' WHERE name = 'half'")
    (site.at / "d1" / "theirs").write_bytes(b"1234")
    return site


def there(site: Site) -> list[str]:
    return sorted(str(path.relative_to(site.at)) for path in (site.at / "d1").rglob("*") if path.is_file())


def whole(site: Site) -> list[str]:
    identity = site.id_of("v")
    return ["d1/granted/h1/" + identity, "d1/theirs", "d1/volumes/" + identity]


def killed(site: Site, boundary: int) -> bool:
    """Mend in a process that dies at the n-th boundary; False if it comes to its end."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    passed = 0

    def count() -> None:
        nonlocal passed
        passed += 1
        if passed == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        for owner, names in ((LocalDriver, CALLS), (Ledger, COMMITS)):
            for name in names:
                setattr(owner, name, watched(getattr(owner, name), count))
        with site.opened() as allocator:
            asyncio.run(allocator.reconcile(fix=True))
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def watched(call: Callable[..., Any], count: Callable[[], None]) -> Callable[..., Any]:
    """Counts what is about to change something: what is after one such call is before the next."""

    def counted(*given: object, **named: object) -> object:
        count()
        return call(*given, **named)

    return counted


def test_mending_survives_kill_9_anywhere(broken: Site, memory: Path) -> None:
    """Whenever it dies, the next call that may fix goes on, and comes to the same end."""
    template = memory / "template"
    broken.close()
    subprocess.run(["cp", "-a", broken.at, template], check=True)
    for boundary in range(1, LAST_BOUNDARY):
        shutil.rmtree(broken.at)
        subprocess.run(["cp", "-a", template, broken.at], check=True)
        died = killed(broken, boundary)
        broken.allocator = broken.opened()
        fixed = broken.reconcile(fix=True)
        assert (fixed.left, fixed.unmended, fixed.skipped) == ((), (), ()), boundary
        assert there(broken) == whole(broken), boundary
        ledger = broken.allocator.ledger
        assert ledger is not None
        assert ([(one.name, one.plan) for one in ledger.volumes()], ledger.unfinished()) == ([("v", None)], [])
        assert broken.reconcile().findings == ()
        broken.allocator.close()
        if not died:
            break
    # 2 deletes, 2 revokes and a grant; 2 condemned, the count of others, a plan, its claim and its end.
    assert boundary > (2 + 2 + 1) + (2 + 1 + 1 + 1 + 1)


def test_a_volume_that_a_plan_works_on_is_skipped(broken: Site) -> None:
    """Its access differs, since the plan that takes it away is under way: that is told, and left to the plan."""
    plan = broken.allocator.detach("v", "h1")
    seen = broken.reconcile(fix=True)
    assert [(one.subject, one.plan) for one in seen.skipped] == [("v", plan.id)]
    assert "v" not in {one.subject for one in seen.findings}
    assert seen.left == ()
    assert asyncio.run(broken.allocator.apply(plan)).state == "done"
    broken.mends(("extra_grant", "d1", "v"))
    assert there(broken) == ["d1/theirs", "d1/volumes/" + broken.id_of("v")]


def test_what_was_interrupted_may_be_applied_by_its_plan(broken: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a plan like any other: a dry run names it, and whoever applies it goes on."""

    async def refuse(*given: object, **named: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("allocator.reconcile.mend.run", refuse)
        with pytest.raises(asyncio.CancelledError):
            broken.reconcile(fix=True)
    ledger = broken.allocator.ledger
    assert ledger is not None
    (plan,) = ledger.unfinished()
    assert {one.plan for one in broken.reconcile().skipped} == {plan.id}
    assert asyncio.run(broken.allocator.apply(plan)).state == "done"
    assert there(broken) == whole(broken)
    assert broken.found() == ()


def test_a_plan_that_deletes_without_taking_access_first_is_not_believed(broken: Site) -> None:
    document = volume_document(broken.allocator.inventory.volumes["v"])
    steps = [Step(1, "delete", "v", "d1"), Step(2, "release", "v", "d1", None, (1,))]
    with pytest.raises(PlanError, match="has steps that do not belong to its volumes"):
        asyncio.run(broken.allocator.apply(Plan.of(steps, [document])))


def test_what_cannot_be_mended_now_stays_recorded(broken: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The device refuses the grant: the ledger still says what should be, and the next call mends it."""

    async def refuse(*given: object, **named: object) -> None:
        raise DriverError(ErrorCode.DENIED, "No.")

    with monkeypatch.context() as patched:
        patched.setattr(LocalDriver, "grant_access", refuse)
        fixed = broken.reconcile(fix=True)
    assert [(one.subject, one.text) for one in fixed.unmended] == [("v", "No.")]
    assert [(one.kind, one.subject) for one in fixed.left] == [("missing_grant", "v")]
    broken.mends(("missing_grant", "d1", "v"))
    assert there(broken) == whole(broken)
