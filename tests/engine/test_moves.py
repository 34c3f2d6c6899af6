"""Volumes that move between two directories of a host: what others see meanwhile, and what is left when it fails."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from allocator.agent import Copying, DriverError, ErrorCode
from allocator.cli import main
from allocator.domain.move import Move
from allocator.domain.placement import Volume
from allocator.domain.plan import Plan
from allocator.engine import Allocator
from allocator.execution.waves import still_to_do
from allocator.ledger import AlreadyHeld
from allocator.planning.copiers import copiers_of, moving_plan
from allocator.planning.ordered import moves_of, order_json, read_order
from allocator.planning.trust import PlanError
from bench.postgres import Postgres
from drivers.hypervisor.qemu import QemuAgent

MIB = 1024**2


class Site:
    """Pools `a`, `b` and `c` of 8 MiB on one host, with volumes of 3 MiB."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"sqlite:///{directory}/ledger.db"
        self.document: dict[str, Any] = {
            "version": 1,
            "drivers": {"disk": {"driver": "local"}},
            "agents": {"q": {"agent": "qemu", "config": {"qmp": str(directory / "none")}}},
            "hosts": [{"name": "h", "zone": "z", "agent": "q"}],
            "pools": [
                {
                    "name": name,
                    "driver": "disk",
                    "host": "h",
                    "capacity": "8MiB",
                    "details": {"path": str(directory / name)},
                }
                for name in "abc"
            ],
        }

    def open(self, **states: str) -> Allocator:
        pools = [pool | {"state": states.get(pool["name"], "up")} for pool in self.document["pools"]]
        path = self.directory / "fleet.yaml"
        path.write_text(yaml.safe_dump(self.document | {"pools": pools}))
        return Allocator.open(path, ledger=self.url)

    def place(self, *names: str) -> None:
        with self.open(b="full", c="full") as allocator:
            outcome = allocator.place([{"name": name, "size": 3 * MIB} for name in names])
            assert asyncio.run(allocator.apply(outcome.plan)).state == "done"
        for path in (self.directory / "a" / "volumes").iterdir():
            path.write_bytes(b"x" * 3 * MIB)

    def sizes(self) -> dict[str, int]:
        """How many volumes and links each pool has."""
        return {name: sum(path.is_file() for path in (self.directory / name).rglob("*")) for name in "abc"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    if shutil.which("qemu-img") is None:
        pytest.skip("qemu-img is not installed. Maybe `apt-get install qemu-utils`.")
    return Site(tmp_path)


def move(allocator: Allocator, name: str, pool: str) -> Move:
    inventory = allocator.inventory
    now = inventory.volumes[name]
    return Move(now, Volume.on(inventory.pools[pool], now.request, now.asked, now.hosts))


def planned(allocator: Allocator, *moves: Move) -> Plan:
    return moving_plan(moves, allocator.inventory, allocator.rules)


def test_moves_in_waves_end_where_they_should_and_are_done_once(site: Site) -> None:
    site.place("v", "w")
    with site.open() as allocator:
        first, second = move(allocator, "v", "b"), move(allocator, "w", "c")
        assert asyncio.run(allocator.move([[first], [second]])).stopped is None
        assert site.sizes() == {"a": 0, "b": 1, "c": 1}
        assert {volume.name: volume.pool for volume in allocator.inventory.all_volumes()} == {"v": "b", "w": "c"}
        assert asyncio.run(allocator.move([[first], [second]])).reports == ()


def test_the_ledger_may_be_in_postgres(site: Site, postgres: Postgres) -> None:
    """One that is done and one that is undone on the way leave no copy behind."""
    site.url = postgres.empty()
    site.place("v", "w")
    with site.open() as allocator:
        assert allocator.ledger is not None
        plan = planned(allocator, move(allocator, "w", "c"))
        assert allocator.ledger.reserve(plan, seen=allocator.ledger.changes())
        assert [volume.copy and volume.copy.pool for volume in allocator.ledger.volumes()] == [None, "c"]
        assert asyncio.run(allocator.cancel(plan)).state == "rolled_back"
        assert asyncio.run(allocator.move([[move(allocator, "v", "b")]])).stopped is None
        assert [volume.copy for volume in allocator.ledger.volumes()] == [None, None]
    assert site.sizes() == {"a": 1, "b": 1, "c": 0}


def test_both_places_are_held_for_every_process_while_it_moves(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of b's 8 MiB 3 are taken by v, which is still on a: 6 more do not fit, and v can be changed by nobody else."""
    site.place("v")
    seen: list[object] = []
    copied = QemuAgent.copy

    async def watched(agent: QemuAgent, copying: Copying) -> None:
        with site.open(a="full", c="full") as other:
            moving = other.inventory.volumes["v"]
            seen.append((moving.pool, moving.moving_to and moving.moving_to.pool))
            outcome = other.explain([{"name": "big", "size": 6 * MIB}])
            seen.append([placed.request for placed in outcome.placed])
            assert other.ledger is not None
            seen.append({volume.copy.pool for volume in other.ledger.volumes() if volume.copy is not None})
            with pytest.raises(AlreadyHeld):
                other.delete("v")
        await copied(agent, copying)

    monkeypatch.setattr(QemuAgent, "copy", watched)
    with site.open() as allocator:
        assert asyncio.run(allocator.apply(planned(allocator, move(allocator, "v", "b")))).state == "done"
    assert seen == [("a", "b"), [], {"b"}]


@pytest.mark.parametrize("call", ["copy", "compare"])
def test_a_plan_of_which_one_has_arrived_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """v is done and let go of, w is stopped on its way: whoever applies the plan again only goes on with w."""
    site.place("v", "w")
    stopped = asyncio.Event()
    carried_out = getattr(QemuAgent, call)

    async def stopping(agent: QemuAgent, copying: Copying) -> None:
        if copying.device == devices["w"]:
            stopped.set()
            await asyncio.sleep(60)
        await carried_out(agent, copying)

    async def half(allocator: Allocator, plan: Plan) -> None:
        task = asyncio.create_task(allocator.apply(plan))
        await stopped.wait()
        while allocator.inventory.volumes["v"].moving_to is not None:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with site.open() as allocator:
        assert allocator.ledger is not None
        devices = {volume.name: volume.device for volume in allocator.ledger.volumes()}
        plan = planned(allocator, move(allocator, "v", "b"), move(allocator, "w", "c"))
        with monkeypatch.context() as patched:
            patched.setattr(QemuAgent, call, stopping)
            asyncio.run(half(allocator, plan))
        assert allocator.inventory.volumes["w"].moving_to is not None
        for _ in range(2):
            assert asyncio.run(allocator.apply(plan)).state == "done"
    assert site.sizes() == {"a": 0, "b": 1, "c": 1}


@pytest.mark.parametrize("call", ["copy", "compare"])
def test_what_fails_before_the_switch_is_undone(site: Site, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """The volume is where it was, with all its bytes; nothing of the copy is left, nor of its room."""
    site.place("v")

    async def failing(agent: QemuAgent, copying: Copying) -> None:
        raise DriverError(ErrorCode.CONFLICT, "It differs. Maybe copy it again.")

    with monkeypatch.context() as patched, site.open() as allocator:
        patched.setattr(QemuAgent, call, failing)
        done = asyncio.run(allocator.move([[move(allocator, "v", "b")]]))
        assert [report.state for report in done.reports] == ["rolled_back"]
        assert done.stopped is not None
        assert [each.volume for each in done.left] == ["v"]
        assert site.sizes() == {"a": 1, "b": 0, "c": 0}
        assert allocator.inventory.volumes["v"].moving_to is None
        assert allocator.ledger is not None
        assert [volume.copy for volume in allocator.ledger.volumes()] == [None]
    with site.open() as allocator:
        assert asyncio.run(allocator.move([[move(allocator, "v", "b")]])).stopped is None
    assert site.sizes() == {"a": 0, "b": 1, "c": 0}


def test_drift_stops_the_rest_before_it_begins(site: Site) -> None:
    """After the first wave somebody fills c: the second is not begun, and w stays where it is."""
    site.place("v", "w")
    with site.open() as allocator:
        ordered = [[move(allocator, "v", "b")], [move(allocator, "w", "c")]]
        assert asyncio.run(allocator.apply(planned(allocator, *ordered[0]))).state == "done"
        with site.open(a="full", b="full") as other:
            assert asyncio.run(other.apply(other.place([{"name": "x", "size": 6 * MIB}]).plan)).state == "done"
        done = asyncio.run(allocator.move(ordered))
    assert done.reports == ()
    assert [each.volume for each in done.left] == ["w"]
    assert done.stopped == "w cannot move any more: pool c has 9 MiB of space, at most 8 MiB"
    assert site.sizes() == {"a": 1, "b": 1, "c": 1}


def test_a_plan_that_was_changed_moves_nothing(site: Site) -> None:
    """Steps of a move with another host, without verification, or for a volume that stays; a target without room."""
    site.place("v", "w")
    with site.open() as allocator:
        plan = planned(allocator, move(allocator, "v", "b"))
        document = dict(plan.volumes[0])
        other_host = [replace(step, host=step.host and "g") for step in plan.steps]
        unverified = [step for step in plan.steps if step.kind != "verify"]
        stays = {key: value for key, value in document.items() if key != "moving_to"}
        grown = document | {"moving_to": {"pool": "nowhere"}}
        for steps, volumes in (
            (other_host, [document]), (unverified, [document]), (plan.steps, [stays]), (plan.steps, [grown]),
            ([], [document]),
        ):  # fmt: skip
            with pytest.raises(PlanError):
                asyncio.run(allocator.apply(Plan.of(steps, volumes)))
        assert allocator.inventory.volumes["v"].moving_to is None
        # 3 MiB of v and 3 of w do not fit beside 3 that somebody has put there meanwhile.
        both = planned(allocator, move(allocator, "v", "b"), move(allocator, "w", "b"))
        with site.open(a="full", c="full") as other:
            assert asyncio.run(other.apply(other.place([{"name": "x", "size": 3 * MIB}]).plan)).state == "done"
        with pytest.raises(PlanError, match=r"cannot move w now: pool b has 9 MiB of space, at most 8 MiB"):
            asyncio.run(allocator.apply(both))
    assert site.sizes() == {"a": 2, "b": 1, "c": 0}


def test_moves_in_waves_are_written_and_read_back(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `apply` reads is what was decided, or it is refused; the command carries it out once."""
    site.place("v", "w")
    with site.open() as allocator:
        ordered = [[move(allocator, "v", "b")], [move(allocator, "w", "c")]]
        data = order_json(ordered)
        read = read_order(json.dumps({"version": 1, "order": data}))
        assert read is not None
        again = moves_of(read, allocator.world, allocator.inventory)
        assert [[(one.volume, one.source, one.target) for one in wave] for wave in again] == [
            [("v", "a", "b")],
            [("w", "a", "c")],
        ]
        assert read_order("{}") is read_order("no JSON") is read_order('{"plan": {}}') is None
        changed = json.loads(json.dumps(data))
        changed["waves"][0][0]["moving_to"]["pool"] = "c"
        for wrong, said in ((changed, "is not what its id says"), (data | {"more": 1}, "wrong at more")):
            with pytest.raises(PlanError, match=said):
                read_order(json.dumps(wrong))
        with pytest.raises(PlanError, match="goes nowhere"):
            moves_of([[{**read[0][0], "moving_to": None}]], allocator.world, allocator.inventory)
    path = site.directory / "moves.json"
    path.write_text(json.dumps(data))
    command = ["-f", str(site.directory / "fleet.yaml"), "--ledger", site.url]
    for name in ("ALLOCATOR_FILES", "ALLOCATOR_LEDGER", "ALLOCATOR_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for moved in (2, 0):
        assert main(["apply", str(path), *command]) == 0
        assert f"{moved} moves done" in capsys.readouterr().out
    assert site.sizes() == {"a": 0, "b": 1, "c": 1}


def test_who_copies_must_reach_both_pools_and_have_an_agent(site: Site) -> None:
    site.place("v")
    site.document["hosts"] = [{"name": "g", "zone": "z", "agent": "q"}, {"name": "h", "zone": "z"}]
    with site.open() as allocator:
        there = replace(move(allocator, "v", "b").now, moving_to=move(allocator, "v", "b").then)
        with pytest.raises(LookupError, match="No host with an agent copies volume v from a"):
            copiers_of([there], allocator.inventory, allocator.rules)
        done = asyncio.run(allocator.move([[move(allocator, "v", "b")]]))
        assert (done.reports, [each.volume for each in done.left]) == ((), ["v"])


def test_a_staged_volume_goes_on_from_where_it_is(site: Site) -> None:
    """v goes to c by b: on b the first move is done, on c both are."""
    site.place("v")
    with site.open() as allocator:
        hop = move(allocator, "v", "b")
        ordered = [[hop], [Move(hop.then, replace(hop.then, pool="c"))]]
        left = []
        for pool in "abc":
            inventory = allocator.inventory.copy(without=["v"])
            inventory.settle([replace(hop.now, pool=pool)])
            left.append([[each.target for each in wave] for wave in still_to_do(ordered, inventory)])
        assert left == [[["b"], ["c"]], [[], ["c"]], [[], []]]
        assert asyncio.run(allocator.move(ordered)).stopped is None
        assert allocator.inventory.volumes["v"].pool == "c"
