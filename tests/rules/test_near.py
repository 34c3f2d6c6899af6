"""Rule `near` on paper: a volume lies where a volume of another group lies as well."""

from __future__ import annotations

import pytest

from allocator.domain.places import Pool
from allocator.domain.request import Near, Request
from allocator.rules.near import NearRule
from allocator.testing.made import host, pool, request, volume
from allocator.verify import worsened
from tests.rules.paper import Case, misread


def racked(name: str, rack: str | None) -> Pool:
    return pool(name, domains={} if rack is None else {"rack": rack})


def log(name: str = "r", over: str = "rack", **facts: str) -> Request:
    return request(name, near=Near("db", over), **facts)  # type: ignore[arg-type]


def db(name: str = "d", **facts: str) -> Request:
    return request(name, group="db", **facts)  # type: ignore[arg-type]


A, B, C, NOWHERE = racked("a", "x"), racked("b", "x"), racked("c", "y"), racked("none", None)
POOLS = [A, B, C, NOWHERE]
H, I = host("h"), host("i")  # noqa: E741
LONELY = {"db-rack rack z/y": 1}

CASES = (
    Case("in the rack of the database", log(), "a b", POOLS, placed=[volume(A, db())]),
    Case("nowhere without one", log(), "", POOLS),
    Case("another group will not do", log(), "", POOLS, placed=[volume(A, request("d", group="web"))]),
    Case("a foreign one will do", log(), "a b", POOLS, placed=[volume(A, db(), foreign=True)]),
    Case("a pool without a rack is near nothing", log(), "", POOLS, placed=[volume(NOWHERE, db())]),
    Case("on the same pool", log(over="pool"), "a", POOLS, placed=[volume(A, db())]),
    Case("in the same zone", log(over="zone"), "a b c none", POOLS, placed=[volume(A, db())]),
    Case("on the same host", log(over="host", vm="m"), "a@h c@h", [A, C], [H, I], [volume(A, db(vm="n"), H)]),
    Case("a detached database is on no host", log(over="host", vm="m"), "", [A], [H, I], [volume(A, db())]),
    Case("who wants nothing goes anywhere", db(), "a b c none", POOLS),
    Case("R23 both of one VM", (db("d", vm="m"), log("r", vm="m")), "a+a@h a+b@h b+a@h b+b@h c+c@h", POOLS, [H]),
    Case("R22 both of a batch", (db(), log()), "", POOLS, at_best=2),
    Case("R22 not the one without the other", (log("r1"), log("r2")), "", POOLS, at_best=0),
    Case("a lonely volume stays and blocks no database", db(), "a b c none", POOLS, placed=[volume(C, log("v"))],
         broken=LONELY),
    Case("who wants nothing is not lonely", db(), "a b c none", POOLS, broken=LONELY,
         placed=[volume(C, log("v")), volume(C, request("w"))]),
    Case("nor is joined by another", log(), "a b", POOLS, placed=[volume(C, log("v")), volume(A, db())], broken=LONELY),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_on_paper(case: Case) -> None:
    assert list(misread(case, NearRule)) == []


def test_what_others_are_near_may_not_leave() -> None:
    """R25: a move of the database away from its log is a violation, a move within the rack is none."""
    trial = Case("", log("x"), "", POOLS, placed=[volume(A, db()), volume(B, log("v"))]).trial(NearRule)
    (found,) = worsened(trial.inventory, trial.rules, [volume(C, db())])
    assert (found.rule, found.subject, found.amount) == ("near", ("db-rack", "rack", "z/x"), 1)
    assert worsened(trial.inventory, trial.rules, [volume(B, db())]) == []
    assert len(worsened(trial.inventory, trial.rules, departures=["d"])) == 1
