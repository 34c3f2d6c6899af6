"""Why something was refused, and what would help: every claim is tried out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from allocator import Allocator, Outcome
from allocator.domain.outcome import Refusal, RefusalKind, Remedy
from allocator.domain.policy import Effort
from allocator.explain import outcome_json, outcome_text
from tests.engine.fleets import ARRAY, FILES, gold, opened, written

MIXED = """
version: 1
drivers: {sf: {driver: solidfire}, files: {driver: nfs}}
pools:
  - {name: nfs-1, driver: files, managed: false, zone: z1, capacity: 10TiB, tags: [ssd]}
  - {name: nfs-2, driver: files, managed: false, zone: z1, capacity: 10TiB, tags: [ssd]}
  - {name: nfs-3, driver: files, managed: false, zone: z1, capacity: 10TiB}
  - {name: sf-1, driver: sf, zone: z1, capacity: 10TiB, iops: 10000, tags: [ssd]}
  - {name: sf-2, driver: sf, zone: z1, capacity: 10TiB, iops: 8200, tags: [ssd]}
  - {name: sf-3, driver: sf, zone: z2, capacity: 10TiB, iops: 100000, tags: [ssd]}
hosts: [{name: h1, zone: z1, iops: 100000}, {name: h2, zone: z1, iops: 9000}]
volumes: [{name: old, pool: sf-1, size: 1TiB, qos: {provisioned: {min_iops: 5000, max_iops: 6000}}}]
requests: [{name: r, vm: v, tags: [ssd], size: 1TiB, qos: {provisioned: {min_iops: 10000, max_iops: 12000}}}]
"""


def refused(outcome: Outcome) -> Refusal:
    (refusal,) = outcome.refused
    return refusal


def with_change(folder: Path, remedy: Remedy, *texts: str) -> Allocator:
    """The change as a further file, as people give it."""
    return opened(folder, *texts, yaml.safe_dump(json.loads(json.dumps(_plain(remedy.change)))))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def test_R02_every_pool_is_counted_once_under_what_is_nearest_to_fitting(tmp_path: Path) -> None:
    """Two NFS pools keep no minimum, a third has no tag either, two arrays lack IOPS, one lies in another zone."""
    refusal = refused(opened(tmp_path, MIXED).place())
    pools = {count.text: count.pools for count in refusal.histogram if count.pools}
    assert pools == {
        "offer no minimum IOPS (driver nfs)": 3,
        "have < 10,000 guaranteed IOPS left, most on sf-2: 8,200": 2,
        "are not reached from any open host": 1,
    }
    assert sum(pools.values()) == refusal.pools == 6
    hosts = {count.text: count.hosts for count in refusal.histogram if count.hosts}
    assert hosts == {"have < 10,000 IOPS to carry left, most on h2: 9,000": 1}


def test_never_is_told_from_no_room(tmp_path: Path) -> None:
    allocator = opened(tmp_path, ARRAY)
    over = {"name": "r", "size": "1GiB", "qos": {"provisioned": {"min_iops": 15_000, "max_iops": 15_000}}}
    assert refused(allocator.place([{**over, "tags": ["ssd"]}])).kind is RefusalKind.NEVER
    sold = "version: 1\nvolumes: [{name: old, pool: sf-1, size: 1TiB, offering: plain}]"
    refusal = refused(opened(tmp_path, ARRAY, sold).place([over]))
    assert (refusal.kind, refusal.because) == (RefusalKind.NO_ROOM, ("iops",))


def test_together_names_the_requests_that_do_not_all_fit_and_no_others(tmp_path: Path) -> None:
    """Three of 5,000 fill 15,000; the fourth has the least priority."""
    requests = [{**request, "priority": 5} for request in gold(1, count=3)] + gold(4)
    refusal = refused(opened(tmp_path, ARRAY).place(requests))
    assert (refusal.request, refusal.kind, refusal.because) == ("gold-4", RefusalKind.TOGETHER, ("iops",))
    assert refusal.together == ("gold-1", "gold-2", "gold-3", "gold-4")


def test_together_leaves_out_who_is_not_concerned(tmp_path: Path) -> None:
    aside = """
    version: 1
    drivers: {files: {driver: nfs}}
    pools: [{name: nfs-1, driver: files, managed: false, zone: z1, capacity: 1TiB}]
    """
    others: list[dict[str, object]] = [{"name": "aside", "pool": "nfs-1", "size": "1GiB"}]
    refusal = refused(opened(tmp_path, ARRAY, aside).place([*others, *gold(1, count=4)]))
    assert refusal.kind is RefusalKind.TOGETHER
    assert "aside" not in refusal.together
    assert len(refusal.together) == 4


def test_undecided_is_told_where_time_ran_out_and_nothing_was_shown(tmp_path: Path) -> None:
    """50+30+20, 45+35+20 and 40+33+27 fill three pools to the last byte, which takes some work to find."""
    pools = "\n".join(
        f"  - {{name: p{n}, driver: files, managed: false, zone: z1, capacity: 100GiB}}" for n in range(3)
    )
    allocator = opened(tmp_path, f"version: 1\ndrivers: {{files: {{driver: nfs}}}}\npools:\n{pools}")
    sizes = (50, 45, 40, 35, 33, 30, 27, 20, 20)
    asked = [{"name": f"r{n}", "size": f"{size}GiB"} for n, size in enumerate(sizes)]
    hasty = allocator.place(asked, effort=Effort(work=1e-9))
    assert hasty.status == "feasible"
    assert refused(hasty).kind is RefusalKind.UNDECIDED
    assert hasty.goals[0].bound != hasty.goals[0].cost
    assert len(hasty.placed) == 8
    thorough = allocator.place(asked)
    assert (thorough.status, len(thorough.placed)) == ("optimal", 9)


@pytest.mark.parametrize(
    ("sold", "change"),
    [
        (
            "pools: [{name: sf-1, iops: {total: 10000, overcommit: 1.49}}]",
            {"name": "sf-1", "iops": {"overcommit": "1.5"}},
        ),
        ("pools: [{name: sf-1, capacity: 299GiB}]", {"name": "sf-1", "capacity": {"overcommit": "1.01"}}),
    ],
)
def test_a_remedy_given_as_a_further_file_makes_the_request_placeable(
    tmp_path: Path, sold: str, change: dict[str, object]
) -> None:
    """10,000 x 1.5 sell 15,000, and 299 GiB x 1.01 are more than 300 GiB, which 3 x 100 GiB in whole MB need."""
    documents = [
        ARRAY,
        f"version: 1\n{sold}",
        "version: 1\nvolumes: [{name: a, pool: sf-1, size: 100GiB, offering: gold},"
        " {name: b, pool: sf-1, size: 100GiB, offering: gold}]",
    ]
    refusal = refused(opened(tmp_path, *documents).place(gold(1)))
    (remedy,) = refusal.remedies
    assert remedy.verified
    assert _plain(remedy.change) == {"version": 1, "pools": [change]}
    assert remedy.text.startswith("Maybe raise sf-1's ")
    assert with_change(tmp_path, remedy, *documents).place(gold(1)).refused == ()


def test_R08_a_remedy_for_a_host(tmp_path: Path) -> None:
    """5,000 on one host of 4,000: 1.25 times."""
    small = "version: 1\nhosts: [{name: h1, iops: 4000}, {name: h2, iops: 3000}]"
    refusal = refused(opened(tmp_path, ARRAY, small).place(gold(1)))
    assert refusal.because == ("host_iops",)
    (remedy,) = refusal.remedies
    assert with_change(tmp_path, remedy, ARRAY, small).place(gold(1)).refused == ()


CROWDED = """
version: 1
drivers: {files: {driver: nfs}}
pools:
  - {name: large, driver: files, managed: false, zone: z1, capacity: 100GiB}
  - {name: small, driver: files, managed: false, zone: z1, capacity: 60GiB}
volumes:
  - {name: old, pool: large, size: 50GiB}
requests:
  - {name: big, size: 90GiB}
"""


def test_a_move_that_would_make_room_is_named_and_does(tmp_path: Path) -> None:
    """100 - 50 and 60 GiB hold no 90 GiB; with `old` on the small pool the large one does."""
    quick = refused(opened(tmp_path, CROWDED).place())
    refusal = refused(opened(tmp_path, CROWDED).explain())
    assert (quick.kind, refusal.kind) == (RefusalKind.NO_ROOM, RefusalKind.MOVE_WOULD_HELP)
    assert refusal.remedies[:-1] == quick.remedies
    assert (refusal.remedies[-1].text, refusal.remedies[-1].verified) == ("Maybe move old from large to small.", True)
    assert with_change(tmp_path, refusal.remedies[-1], CROWDED).place().refused == ()


def test_where_no_move_helps_none_is_named(tmp_path: Path) -> None:
    """`old` fits nowhere else once the small pool is full."""
    full = "version: 1\nvolumes: [{name: other, pool: small, size: 60GiB}]"
    assert refused(opened(tmp_path, CROWDED, full).explain()).kind is RefusalKind.NO_ROOM


def test_explaining_again_what_was_placed_moves_nothing(tmp_path: Path) -> None:
    allocator = opened(tmp_path, ARRAY, ledger=True)
    placed = allocator.place(gold(1)).placed
    outcome = allocator.explain(gold(1))
    assert (outcome.placed, outcome.plan.steps) == (placed, ())


def test_no_remedy_is_offered_for_what_no_factor_mends(tmp_path: Path) -> None:
    assert refused(opened(tmp_path, FILES).place(gold(1))).remedies == ()


def test_without_explanation_a_refusal_counts_and_reasons_no_further(tmp_path: Path) -> None:
    refusal = refused(opened(tmp_path, FILES).place(gold(1), explain=False))
    assert (refusal.request, refusal.because, refusal.remedies) == ("gold-1", (), ())
    assert [(count.rule, count.pools) for count in refusal.histogram] == [("features", refusal.pools)]


def test_a_vm_whose_volumes_fit_one_by_one_says_so(tmp_path: Path) -> None:
    """R23: 3 x 5,000 fit the pool and 2 hosts carry 10,000 each, but they are one VM's."""
    small = "version: 1\nhosts: [{name: h1, iops: 10000}, {name: h2, iops: 10000}]"
    requests = [{**request, "vm": "one"} for request in gold(1, count=3)]
    outcome = opened(tmp_path, ARRAY, small).place(requests)
    assert {refusal.request for refusal in outcome.refused} == {"gold-1", "gold-2", "gold-3"}
    assert all(refusal.because == ("host_iops",) for refusal in outcome.refused)
    assert "have < 15,000 IOPS to carry left, most on h1: 10,000" in outcome_text(outcome)


def test_the_json_has_the_shape_that_programs_rely_on(tmp_path: Path) -> None:
    data = outcome_json(opened(tmp_path, MIXED).place())
    assert json.loads(json.dumps(data)) == data
    assert list(data) == ["version", "status", "deterministic", "seconds", "goals", "placed", "refused", "plan"]
    assert list(data["refused"][0]) == [
        "request", "kind", "because", "together", "considered", "histogram", "remedies",
    ]  # fmt: skip
    assert data["refused"][0]["histogram"][0].keys() == {"rule", "pools", "hosts", "text"}


def test_one_line_says_where_a_request_goes(tmp_path: Path) -> None:
    allocator = opened(tmp_path, ARRAY)
    lines = outcome_text(allocator.place(gold(1))).splitlines()
    assert lines[0] == "gold-1 goes to pool sf-1 and host h1, provisioned QoS"
    assert lines[1].startswith("optimal: 1 placed, 0 refused")
    lines = outcome_text(allocator.place([{"name": "r", "size": 1}])).splitlines()
    assert lines[0] == "r goes to pool sf-1, not attached, the array's default QoS"
    assert outcome_text(allocator.place([])).startswith("Nothing was asked for.")


def test_documents_are_read_in_the_order_given(tmp_path: Path) -> None:
    first, second = written(tmp_path, ARRAY, "version: 1\npools: [{name: sf-1, iops: {overcommit: 0.4}}]")
    assert Allocator.open(first, second).inventory.pools["sf-1"].iops.sellable == 4000
    assert Allocator.open(str(first)).inventory.pools["sf-1"].iops.sellable == 15_000
