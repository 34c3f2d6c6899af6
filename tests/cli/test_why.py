"""`why`: what an operator reads months later."""

from __future__ import annotations

import json
import re

from tests.cli.running import Allocator
from tests.cli.site import Site

PLACED = re.compile(
    r"""root is on p1: available, vol-\w{16}, there /.*\.
\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ placed on p1 for h1 by alice, plan \w{16}
  asked for 10 MiB, vm web; QoS none
  kept as choice 1: no QoS
  documents left 1 of 1 pools open
  documents left 2 of 2 hosts open
  cost placed 0, preference 0, balance 0.*
  optimal, with 3 placed together; refused beside it: nothing
  by policy default \w{16}, the same as now
  on .*/fleet\.yaml \w{16}, the same as now
\S+ \S+ create done p1 by .*@.*/\d+, plan \w{16}
"""
)


def test_the_story_of_a_volume(site: Site) -> None:
    assert site.run("place", "--actor", "alice", "-o", site.plan).code == 0
    assert site.apply().code == 0
    run = site.run("why", "root")
    assert (run.code, run.err) == (0, "")
    assert PLACED.match(run.out), run.out
    site.run("delete", "root")
    gone = site.run("why", "root").out
    assert gone.startswith("root is gone.\n")
    assert gone.splitlines()[-1].split(" ", 2)[2].startswith("release done p1 by")


def test_it_tells_where_the_volume_would_go_now(site: Site) -> None:
    """Where it is; nowhere, once p1 has 5 MiB left beside the 25 of the others; on a second pool when that is there."""
    site.place()
    fleet = site.fleet.read_text()
    assert site.run("why", "root").out.endswith(
        "Placed now, it would go where it is.\n  1 of 1 pools fit\n  hosts: 1 is not where VM web is\n"
    )
    site.fleet.write_text(fleet.replace("capacity: 100MiB", "capacity: 30MiB"))
    out = site.run("why", "root").out
    assert (
        "Placed now, it would go nowhere.\n  0 of 1 pools fit: 1 has < 10 MiB of space left, most on p1: 5 MiB\n" in out
    )
    second = "  - {name: p2, driver: disk, zone: z1, capacity: 90MiB, details: {path: /nowhere}}\nrequests:"
    site.fleet.write_text(site.fleet.read_text().replace("requests:", second))
    told = site.told("why", "root")["again"]
    assert (told["placed"]["pool"], told["placed"]["host"]) == ("p2", "h1")
    counts = [(count["rule"], count["pools"], count["hosts"]) for count in told["histogram"]]
    assert counts == [("capacity", 1, 0), ("together_on_host", 0, 1)]


def test_it_tells_what_has_changed_since(site: Site, allocator: Allocator) -> None:
    """Documents by content, wherever they lie, and the policy by what it says; without documents it says neither."""
    site.place()
    site.fleet.write_text(site.fleet.read_text() + "# somebody was here\n")
    (site.directory / "mine.yaml").write_text("version: 1\ngoals: [placed]\n")
    out = site.run("why", "root", "--policy", site.directory / "mine.yaml").out
    assert re.search(r"on .*/fleet\.yaml \w{16}, which has changed since\n", out)
    assert re.search(r"by policy default \w{16}, which is not .*/mine\.yaml \w{16} of now\n", out)
    out = allocator("why", "root", "--ledger", site.url).out
    assert re.search(r"on .*/fleet\.yaml \w{16}\n", out)
    assert re.search(r"by policy default \w{16}\n", out)


def test_the_same_for_programs(site: Site, allocator: Allocator) -> None:
    """A shape that does not change, and no secret: the documents' are referred to, and none is followed."""
    site.place()
    story = json.loads(allocator("why", "root", "--ledger", site.url, "--json").out)
    assert (story["version"], story["volume"], story["now"]["state"]) == (1, "root", "reserved")
    assert story["again"] is None
    ((placed,),) = story["lives"]
    assert list(placed) == [
        *("seq", "at", "actor", "kind", "subject", "text", "plan", "details", "decision", "asked"),
    ]
    assert list(placed["decision"]) == ["documents", "goals", "placed", "policy", "refused", "status"]


def test_a_mistyped_name(site: Site) -> None:
    run = site.run("why", "rot")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("The history tells of no volume rot. Maybe ")
