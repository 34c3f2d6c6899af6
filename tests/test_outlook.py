"""What ranking keeps ready decides how much is worked out, never the answer."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.policy import Policy
from allocator.domain.qos import Band, Bands, Kind, Qos
from allocator.domain.request import Apart, Request
from allocator.fleet import Fleet
from allocator.goals import tiers_of
from allocator.rank import Choice, rank
from allocator.rules import rules_of
from allocator.screen import Screen
from allocator.testing.made import (
    ISOLATING,
    STORAGE,
    amount,
    host,
    manifest,
    pool,
    provisioned,
    request,
    sized,
    throttled,
    volume,
)

POLICY = Policy(unknown_total="unlimited")
POOLS = [
    pool(f"p{number}", ISOLATING, zone=f"z{number % 3}", domains={"rack": f"r{number % 2}"}, capacity=sized(100),
         iops=amount(1000))
    for number in range(9)
]  # fmt: skip
LOCAL = [pool(f"l{n}", zone=f"z{n % 3}", scope="host", host=f"h{n}", capacity=sized(60)) for n in range(3)]
HOSTS = [host(f"h{number}", zone=f"z{number % 3}", iops=amount(900), max_volumes=8) for number in range(6)]


def shown(choice: Choice | None) -> object:
    """An answer to the last name and cost."""
    if choice is None:
        return None
    return choice.cost, [(v.name, v.pool, v.hosts, v.asked.index) for v in choice.volumes]


def drawn(rng: Random, number: int) -> list[Request]:
    """A VM of up to three volumes, some of which are pinned to a zone or keep apart."""
    facts: dict[str, str] = {"zone": f"z{rng.randrange(3)}"} if rng.random() < 0.4 else {}
    apart = {"group": f"g{number % 4}", "apart": Apart("rack", 2)} if rng.random() < 0.3 else {}
    wishes = rng.choice([(), (provisioned(100, 200),), (provisioned(200, 400), throttled(50))])
    return [
        request(f"r{number}-{index}", rng.choice([10, 30]), *wishes, vm=f"m{number}", **facts, **apart)
        for index in range(rng.randint(1, 3))
    ]


def test_what_is_kept_ready_answers_as_if_it_were_made_anew() -> None:
    """R24: volumes come, go and move; after each change a fleet with a past says what one without it says."""
    for seed in range(6):
        rng = Random(seed)
        screen = Screen(Fleet(Inventory([*POOLS, *LOCAL], HOSTS)), rules_of(POLICY))
        tiers = tiers_of(POLICY, screen.rules)
        placed: list[Volume] = []
        refused = 0
        for number in range(60):
            asked = drawn(rng, number)
            choice = rank(asked, screen, tiers)
            anew = Screen(Fleet(screen.fleet.inventory.copy()), screen.rules)
            assert shown(choice) == shown(rank(asked, anew, tiers)), (seed, number)
            leaving = [placed.pop(rng.randrange(len(placed))).name for _ in range(rng.choice([0, 0, 1, 3])) if placed]
            screen.fleet.settle(choice.volumes if choice is not None else (), leaving)
            placed += choice.volumes if choice is not None else ()
            refused += choice is None
        assert 0 < refused < 60


def test_departures_beyond_those_remembered_make_everything_be_looked_at_again() -> None:
    """R06: 1,001 volumes of one byte leave a pool that was full, after the last was noted that is remembered."""
    full = pool("p", capacity=sized(1001))
    lying = [volume(full, request(f"v{number}")) for number in range(1001)]
    screen = Screen(Fleet(Inventory([full], [], lying)), rules_of(POLICY))
    tiers = tiers_of(POLICY, screen.rules)
    assert rank([request("r")], screen, tiers) is None
    screen.fleet.settle(departures=[one.name for one in lying])
    assert rank([request("r", 1001)], screen, tiers) is not None


def test_a_move_that_is_called_off_gives_its_target_back() -> None:
    """R06: five bytes on their way from p fill q, in another zone; called off, q has room again."""
    p, q = pool("p", zone="x", capacity=sized(5)), pool("q", zone="y", capacity=sized(5))
    here = volume(p, request("v", 5))
    going = replace(here, moving_to=volume(q, here.request))
    hosts = [host("h", zone="x"), host("i", zone="y")]
    screen = Screen(Fleet(Inventory([p, q], hosts, [going])), rules_of(POLICY))
    tiers = tiers_of(POLICY, screen.rules)
    assert rank([request("r", 5, vm="m")], screen, tiers) is None
    screen.fleet.settle([here])
    choice = rank([request("r", 5, vm="m")], screen, tiers)
    assert choice is not None
    assert [volume.pool for volume in choice.volumes] == ["q"]


def test_an_alternative_goes_only_where_it_is_kept_that_way() -> None:
    """R09: by a policy without `features` too. The array p gives 50 IOPS, q gives nothing: p has none left."""
    policy = Policy(rules=("capacity", "iops"), goals=((("placed", 1),),), unknown_total="unlimited")
    gives = Qos(iops=Bands(Band(floor=50)))
    array = manifest("array", replace(STORAGE, always=True, default=gives))
    pools = [pool("p", array, iops=amount(49), capacity=sized(9)), pool("q", iops=amount(0), capacity=sized(9))]
    screen = Screen(Fleet(Inventory(pools)), rules_of(policy))
    masks = [screen.pools(ask).tolist() for ask in screen.asks(request())]
    assert masks == [[False, False], [False, True]]
    choice = rank([request()], screen, tiers_of(policy, screen.rules))
    assert choice is not None
    assert [(v.pool, v.alternative.kind) for v in choice.volumes] == [("q", Kind.NONE)]
