"""Worlds made by hand for the corners that random ones seldom reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from allocator.domain.inventory import Inventory
from allocator.domain.placement import Volume
from allocator.domain.places import Host, Pool, Quota, Tenant
from allocator.domain.policy import Policy
from allocator.domain.request import Apart, Near, Request
from allocator.testing.made import (
    ANY,
    CAPPING,
    FILES,
    ISOLATING,
    amount,
    host,
    limit,
    manifest,
    pool,
    provisioned,
    request,
    sized,
    throttled,
    volume,
)
from allocator.testing.worlds import World

TIB = 1024**4
GIB = 1024**3
LENIENT = Policy(unknown_total="unlimited")


def corner_worlds() -> Iterator[World]:
    """Empty fleets, full ones, sizes as in life, and starts that are broken."""
    a, b = request("a", vm="m"), request("b")
    yield _world("no pool, no host", [], [], a, b)
    yield _world("no host", [pool()], [], a, b)
    yield _world("no pool", [], [host()], a, b)
    yield _world("nothing known", [pool(capacity=sized(None))], [host()], request("c", 1, provisioned(1)), a, b)
    yield from _sizes()
    yield from _machines()
    yield from _groups()
    yield from _neighbours()


def _sizes() -> Iterator[World]:
    big = pool("big", capacity=sized(100 * TIB, "2", "1/20"), iops=amount(100_000, "3/2"), bandwidth=amount(10 * GIB))
    huge = pool("huge", capacity=sized(2**62, "1000"), iops=amount(2**62, "1000"), bandwidth=amount(2**62, "1000"))
    hosts = [host("h", iops=amount(2**62, "1000"), bandwidth=amount(2**62, "1000"))]
    sold = volume(big, request("sold", 500 * GIB, provisioned(140_000, 150_000)))
    asked = (
        request("r1", 200 * TIB, provisioned(10_000, 20_000)),
        request("r2", 500 * GIB, provisioned(10_001, 20_000), vm="m"),
        request("r3", 2**61, limit(2**40), vm="n"),
    )
    yield _world("sizes as in life", [big, huge], hosts, *asked, placed=[sold])
    quota = Tenant("t", (Quota(capacity_bytes=TIB), Quota(tag="ssd", iops=5)))
    mine = (request("r1", TIB, provisioned(5, 6), tenant="t"), request("r2", 1, provisioned(1, 2), tenant="t"))
    pools = [pool("plain", capacity=sized(None)), pool("ssd", tags=frozenset({"ssd"}), capacity=sized(None))]
    yield _world("a quota that is just reached", pools, [], *mine, tenants=[quota])


def _machines() -> Iterator[World]:
    h0, h1, shared = host("h0"), host("h1"), pool("shared")
    local = [pool(f"own-{at.name}", scope="host", host=at.name, capacity=sized(2)) for at in (h0, h1)]
    pair = (request("a", 2, vm="m"), request("b", 2, vm="m"))
    tempting = pool("tempting", scope="host", host="h0", capacity=sized(2), price=1)
    roomy, dear = pool("roomy", scope="host", host="h1", capacity=sized(4), price=2), pool("dear", price=9)
    frugal = Policy(unknown_total="unlimited", goals=((("placed", 1),), (("price", 1),)))
    yield _world("the cheapest pool for one of two", [tempting, roomy, dear], [h0, h1], *pair, policy=frugal)
    yield _world("two volumes, one local pool each", local, [h0, h1], *pair)
    torn = [volume(shared, request(name, vm="m"), at) for name, at in (("x", h0), ("y", h1))]
    yield _world("a machine torn apart", [shared, *local], [h0, h1], *pair, placed=torn)
    one = pool("one", max_volumes=1)
    yield _world("one place for two twins", [one, shared], [h0], *pair, request("c", vm="n"), request("d", vm="o"))
    both = pool("both", manifest(multi_attach=True))
    many = [volume(both, request("x"), h0, h1), volume(shared, request("y"), h0, h1)]
    own = pool("own", manifest(multi_attach=True), scope="host", host="h0")
    yield _world("attached twice", [both, shared, own], [h0, h1], request("a", vm="m"), placed=many)
    far = [host("h2", zone="elsewhere"), h0]
    lost = volume(shared, request("lost", vm="lost"), far[0])
    yield _world("a volume out of reach", [shared, pool("p2", zone="elsewhere")], far, *pair, placed=[lost])
    yield _world("pinned, without a machine", [shared], [h0, h1], request("a", host="h1"), request("b", pool="shared"))


def _groups() -> Iterator[World]:
    racks = [pool(f"p{n}", domains={} if rack is None else {"rack": rack}) for n, rack in enumerate(("x", "x", None))]
    apart = Apart("rack", 1, 2)
    asked = [request(f"r{n}", group="g", apart=apart) for n in range(2)]
    crowd = [volume(racks[0], request(f"v{n}", group="g", apart=apart)) for n in range(2)]
    yield _world("one rack too few", racks, [], *asked)
    yield _world("a crowd in one rack", racks, [], *asked, placed=crowd)
    near = Near("g", "rack")
    wants, member = request("wants", near=near, vm="m"), request("member", group="g", vm="m")
    yield _world("near what comes with it", racks, [host()], wants, member)
    yield _world("near what is not there", racks, [], request("wants", near=near))
    lonely = volume(racks[0], request("lonely", near=near))
    yield _world("a lonely volume", racks, [], request("member", group="g"), placed=[lonely])
    far, close = pool("far", domains={"rack": "y"}), pool("close", domains={"rack": "x"}, tags=frozenset({"calm"}))
    better = request("wants", 9, near=near, preferred_tags=frozenset({"calm"}))
    db = volume(far, request("db", group="g"))
    yield _world(
        "near what is better", [far, close], [], better, request("member", group="g", pool="close"), placed=[db]
    )
    spread = Apart("rack", None, 2)
    wide = request("wide", 9, group="g", apart=spread, preferred_tags=frozenset({"calm"}))
    other = request("other", group="g", apart=spread, pool="far")
    alone = volume(close, request("one", group="g", apart=spread))
    yield _world("apart from what is coming", [far, close], [], wide, other, placed=[alone])
    q, p = pool("q", max_volumes=1), pool("p", manifest(protocols=frozenset({"nbd"})), max_volumes=1)
    close_to = request("a", pool="p", near=Near("g", "zone"))
    opened = (close_to, request("b", pool="q", group="g"), request("c", pool="p"))
    yield _world("near what opens a pool", [q, p], [], *opened)
    told = [volume(racks[0], request("db", group="g")), volume(racks[1], request("log", near=near), foreign=True)]
    yield _world("near what may not leave", [*racks, pool("y", domains={"rack": "y"})], [], placed=told)
    itself = request("a", group="g", near=near, vm="m")
    yield _world("near itself", racks, [host("h0"), host("h1")], itself, request("b", group="g", near=near))


def _neighbours() -> Iterator[World]:
    h0, h1 = host("h0", iops=amount(9)), host("h1", iops=amount(9))
    pools = [pool("array", ISOLATING, iops=amount(9)), pool("shared", ANY, iops=amount(9)), pool("files", FILES)]
    asked = (
        request("kept", 1, provisioned(5, 6), vm="m"),
        request("held", 1, throttled(5), vm="n"),
        request("free", vm="o"),
    )
    yield _world("neighbours of each sort", pools, [h0, h1], *asked)
    loud = [volume(pools[1], request("x", 1, provisioned(5, 6), vm="x"), h0), volume(pools[1], request("y"))]
    yield _world("a loud neighbour", pools, [h0, h1], *asked, placed=loud)
    mute = host("mute", manifest=None)
    held = volume(pools[1], request("held", 1, limit(3), vm="m"), mute)
    yield _world("a host that throttles nothing", pools, [mute], asked[2], placed=[held])
    capping = [pool("capping", CAPPING, iops=amount(9)), pool("p2", CAPPING, state="draining")]
    reserving = Policy(unknown_total="unlimited", reserve_floors=True)
    yield _world(
        "floors by reservation", capping, [h0], *asked[:2], request("burst", 1, limit(3, burst=5)), policy=reserving
    )


def _world(
    name: str,
    pools: Iterable[Pool],
    hosts: Iterable[Host],
    *asked: Request,
    placed: Iterable[Volume] = (),
    tenants: Iterable[Tenant] = (),
    policy: Policy = LENIENT,
) -> World:
    return World(Inventory(pools, hosts, placed, tenants=tenants), asked, policy, name)
