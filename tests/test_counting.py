"""Too few places are told by counting: a search that tried them all would give up here."""

from __future__ import annotations

import pytest

from allocator import rank as ranking
from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Pool
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rank import Choice, rank
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import host, pool, request, sized, volume

PRICED = Policy(goals=((("price", 1),),))


@pytest.fixture(autouse=True)
def _few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far fewer places than there are orders of five volumes over twelve pools."""
    monkeypatch.setattr(ranking, "LIMIT", 60)


def racks(zone: str, number: int) -> list[Pool]:
    """Four pools in each of so many racks."""
    return [
        pool(f"{zone}-{rack}-{n}", zone=zone, domains={"rack": f"{zone}-{rack}"}, capacity=sized(9))
        for rack in range(number)
        for n in range(4)
    ]


def spread(number: int, most: int = 1) -> list[Request]:
    """A VM of so many volumes, at most `most` of which share a rack."""
    return [request(f"r{n}", vm="m", group="g", apart=Apart("rack", most)) for n in range(number)]


def ranked(pools: list[Pool], asked: list[Request], *lying: Volume) -> Choice | None:
    zones = dict.fromkeys(pool.zone for pool in pools)
    screen = Screen(Fleet(Inventory(pools, [host(f"h-{zone}", zone=zone) for zone in zones], lying)), rules_of(PRICED))
    found = rank(asked, screen, tiers_of(PRICED, screen.rules))
    assert not screen.fleet.placed
    return found


def test_racks() -> None:
    """3 racks take 3 volumes at one each, and 6 at two each."""
    assert ranked(racks("z", 3), spread(3)) is not None
    assert ranked(racks("z", 3), spread(4)) is None
    assert ranked(racks("z", 3), spread(6, 2)) is not None
    assert ranked(racks("z", 3), spread(7, 2)) is None


def test_what_lies_there_already_counts() -> None:
    """At two each, 3 racks of which one holds one take 5 more."""
    pools = racks("z", 3)
    lying = volume(pools[5], request("old", group="g", apart=Apart("rack", 2)))
    assert ranked(pools, spread(5, 2), lying) is not None
    assert ranked(pools, spread(6, 2), lying) is None


def test_capacity() -> None:
    """Pools of 9 bytes hold two volumes of 4 bytes each: 12 pools hold 24."""
    pools = racks("z", 3)
    asked = [request(f"r{n}", 4, vm="m") for n in range(25)]
    assert ranked(pools, asked[:24]) is not None
    assert ranked(pools, asked) is None


def test_another_zone_has_enough() -> None:
    """The first zones have too few racks for four volumes, the last has four."""
    pools = [*racks("a", 3), *racks("b", 2), *racks("c", 3), *racks("d", 4)]
    found = ranked(pools, spread(4))
    assert found is not None
    assert [volume.pool for volume in found.volumes] == ["d-0-0", "d-1-0", "d-2-0", "d-3-0"]
