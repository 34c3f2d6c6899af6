"""Goal `preference` on paper: alternatives in their order, and preferred tags (R11)."""

from __future__ import annotations

import pytest

from allocator.domain.inventory import Inventory
from allocator.domain.policy import Policy
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.goals.preference import Preference
from allocator.rank import rank
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import (
    CAPPING,
    FILES,
    amount,
    host,
    limit,
    pool,
    provisioned,
    request,
    sized,
    throttled,
    volume,
)
from tests.goals.paper import Sum, misadded

LIKED = frozenset({"ssd", "near"})
POOLS = [pool("both", tags=LIKED), pool("ssd", tags=frozenset({"ssd", "x"})), pool("none")]

SUMS = (
    Sum("R11 the first choice, the second", request("r", 1, provisioned(5), throttled(9)), {"p/0": 0, "p/1": 1},
        [pool()]),
    Sum("R11 a limit by the storage before the hypervisor", request("r", 1, limit(9)), {"p/0": 0, "p/1": 1}, [pool()]),
    Sum("a tag that is missing", request(preferred_tags=LIKED), {"both": 0, "ssd": 1, "none": 2}, POOLS),
    Sum("both", request("r", 1, limit(9), preferred_tags=frozenset({"x"})),
        {"both/0": 1, "both/1": 2, "ssd/0": 0, "ssd/1": 1, "none/0": 1, "none/1": 2}, POOLS),
    Sum("R25 less than it was", (), {"both/0": -1, "both/1": 0, "ssd/0": 0, "ssd/1": 1, "none/0": 1, "none/1": 2},
        POOLS,
        home=volume(POOLS[1], request("v", 1, limit(9), preferred_tags=LIKED))),
    Sum("R23 of two volumes", (request("a", preferred_tags=LIKED, vm="m"), request("b", preferred_tags=LIKED, vm="m")),
        {"ssd+ssd@h": 2, "ssd+none@h": 3, "none+ssd@h": 3, "none+none@h": 4}, POOLS[1:], [host()]),
)  # fmt: skip


@pytest.mark.parametrize("line", SUMS, ids=str)
def test_on_paper(line: Sum) -> None:
    assert list(misadded(line, Preference)) == []


def chosen(inventory: Inventory, *wishes: object) -> tuple[str, str] | None:
    """(pool, kind of QoS) that the ranking takes for a VM of one volume."""
    rules = rules_of(Policy())
    asked = request("r", 1, *wishes, vm="m")  # type: ignore[arg-type]
    choice = rank([asked], Screen(Fleet(inventory), rules), tiers_of(Policy(), rules))
    return None if choice is None else (choice.volumes[0].pool, choice.volumes[0].alternative.kind)


def test_storage_qos_where_there_is_room_else_hypervisor_qos_else_a_refusal() -> None:
    """R11: 10 IOPS are left on the array, 20 on the host; then none on the array; then none on the host."""
    array, files, h = (
        pool("array", iops=amount(10), capacity=sized(9)),
        pool("files", FILES, capacity=sized(9)),
        host(iops=amount(20)),
    )
    wishes = provisioned(10, 20), throttled(20)
    assert chosen(Inventory([array, files], [h]), *wishes) == ("array", "provisioned")
    sold = volume(array, request("v", 1, provisioned(1, 2)))
    assert chosen(Inventory([array, files], [h], [sold]), *wishes) == ("array", "throttled")
    busy = volume(array, request("w", 1, throttled(1), vm="n"), h)
    assert chosen(Inventory([array, files], [h], [sold, busy]), *wishes) is None


def test_a_bare_limit_goes_to_the_storage_that_can_else_to_the_hypervisor() -> None:
    """R11: "whether you implement it through cgroups or at the SAN level"."""
    caps, files, h = (
        pool("caps", CAPPING, capacity=sized(9)),
        pool("a-files", FILES, capacity=sized(9)),
        host(iops=amount(20)),
    )
    assert chosen(Inventory([files, caps], [h]), limit(20)) == ("caps", "limit")
    assert chosen(Inventory([files], [h]), limit(20)) == ("a-files", "throttled")
    assert chosen(Inventory([files], [h]), limit(21)) is None
