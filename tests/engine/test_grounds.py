"""Why a volume is where it is, asked long after: who decided, by what, what was open, and what happened since."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allocator import Allocator
from allocator import minutes as minutes_module
from allocator.ledger.story import Story
from allocator.minutes import considered, fingerprint
from allocator.policy import read_policy
from tests.engine.fleets import written

DISKS = """
version: 1
drivers: {disk: {driver: local}}
pools:
  - {name: d1, driver: disk, zone: z1, tags: [ssd], capacity: 1MiB, details: {path: %(site)s/d1}}
  - {name: d2, driver: disk, zone: z1, tags: [ssd], capacity: 1MiB, state: draining, details: {path: %(site)s/d2}}
  - {name: d3, driver: disk, zone: z1, tags: [hdd], capacity: 1MiB, details: {path: %(site)s/d3}}
  - {name: d4, driver: disk, zone: z1, tags: [hdd], capacity: 1MiB, details: {path: %(site)s/d4}}
hosts: [{name: h1, zone: z1, tags: [gpu]}, {name: h2, zone: z1}]
offerings: [{name: fast, tags: [ssd], host_tags: [gpu]}]
"""
WISH = {"name": "v", "vm": "web", "offering": "fast", "size": "4KiB"}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    for name in ("d1", "d2", "d3", "d4"):
        (tmp_path / name).mkdir(mode=0o700)
    return written(tmp_path, DISKS % {"site": tmp_path})[0]


@pytest.fixture
def allocator(document: Path, ledger_url: str) -> Iterator[Allocator]:
    with Allocator.open(document, ledger=ledger_url, actor="alice") as opened:
        yield opened


def done(allocator: Allocator, plan: Any) -> None:
    assert asyncio.run(allocator.apply(plan)).state == "done"


def kinds(story: Story) -> list[list[str]]:
    return [[told.event.kind for told in life] for life in story.lives]


def test_R02_a_placement_tells_who_decided_and_what_was_considered(allocator: Allocator, document: Path) -> None:
    """Of four pools the tag leaves d1 and d2, and d2 drains; of two hosts one has the tag. One is refused beside it."""
    allocator.place([WISH, {"name": "huge", "vm": "other", "size": "1TiB"}])
    placed = allocator.why("v").to_json()["lives"][0][0]
    assert (placed["kind"], placed["actor"], placed["text"]) == ("placed", "alice", "on d1 for h1")
    assert placed["details"] == {
        "qos": "none",
        "choice": 0,
        "pools": {"all": 4, "open": 1, "closed": {"state": 1, "tags": 2}},
        "hosts": {"all": 2, "open": 1, "closed": {"tags": 1}},
    }
    decision = placed["decision"]
    content = hashlib.sha256(document.read_bytes()).hexdigest()[:16]
    assert decision["documents"] == [{"name": str(document), "hash": content}]
    assert decision["policy"] == {"name": "default", "hash": fingerprint(read_policy("default"))}
    assert (decision["placed"], decision["refused"]) == (1, {"requests": 1, "names": ["huge"]})
    assert [goal["cost"] for goal in decision["goals"] if goal["goal"] == "placed"] == [1]
    assert (placed["asked"]["offering"], placed["asked"]["size"], placed["asked"]["host_tags"]) == (
        "fast",
        4096,
        ["gpu"],
    )


def test_everything_that_happened_is_told_also_of_what_is_gone(allocator: Allocator) -> None:
    """R18-R21: made, granted, attached, detached, deleted; then a second life of the same name, by the same plan."""
    plan = allocator.place([WISH]).plan
    done(allocator, plan)
    done(allocator, allocator.detach("v"))
    done(allocator, allocator.delete("v"))
    story = allocator.why("v")
    assert story.now is None
    assert kinds(story) == [
        [
            *("placed", "create done", "grant done", "attach done"),
            *("planned", "detach done", "revoke done"),
            *("planned", "delete done", "release done"),
        ]
    ]
    assert story.lives[0][4].event.text == "detach h1, revoke h1"
    assert story.lives[0][7].event.text == "delete d1, release d1"
    again = allocator.place([WISH]).plan
    assert again.id == plan.id
    story = allocator.why("v")
    assert [len(life) for life in story.lives] == [10, 1]
    first, second = (life[0] for life in story.lives)
    assert first.document == second.document
    assert second.event.seq > story.lives[0][-1].event.seq
    assert story.now is not None
    assert story.now.state == "reserved"


def test_a_plan_that_was_decided_elsewhere_says_so(allocator: Allocator, document: Path) -> None:
    done(allocator, Allocator.open(document).place([WISH]).plan)
    ((placed, *_),) = allocator.why("v").lives
    assert placed.decision is not None
    assert placed.decision["status"] == "given"


def test_a_step_that_failed_is_told(allocator: Allocator, tmp_path: Path) -> None:
    """Where the pool's directory was there is a file: nothing can be made, and what was reserved is given back."""
    plan = allocator.place([WISH]).plan
    (tmp_path / "d1").rmdir()
    (tmp_path / "d1").touch()
    assert asyncio.run(allocator.apply(plan)).state != "done"
    (life,) = allocator.why("v").lives
    assert "create failed" in [told.event.kind for told in life]


def test_a_name_that_nobody_knows_is_refused(allocator: Allocator, document: Path) -> None:
    with pytest.raises(LookupError, match=r"tells of no volume w\. Maybe the name is mistyped"):
        allocator.why("w")
    with pytest.raises(LookupError, match=r"This needs a ledger"):
        Allocator.open(document).why("v")


def test_noting_counts_once_for_equal_wishes(allocator: Allocator, monkeypatch: pytest.MonkeyPatch) -> None:
    """R24: three VMs one by one with equal wishes, then one of another size."""
    counted: list[str] = []

    def count(volume: Any, screen: Any) -> dict[str, Any]:
        counted.append(volume.name)
        return considered(volume, screen)

    monkeypatch.setattr(minutes_module, "considered", count)
    for number in range(3):
        allocator.place([{**WISH, "name": f"v{number}", "vm": f"vm{number}"}])
    allocator.place([{**WISH, "name": "w", "vm": "vm3", "size": "8KiB"}])
    assert counted == ["v0", "w"]


def test_a_policy_is_known_by_what_it_says(tmp_path: Path) -> None:
    """A remark or another name for the file changes nothing; a factor does."""
    text = "version: 1\ngoals: [placed, balance]\n"
    hashes = []
    for name, content in (("a", text), ("b", f"# for tests\n{text}"), ("c", f"{text}overcommit: {{iops: 1.5}}\n")):
        (tmp_path / f"{name}.yaml").write_text(content)
        hashes.append(fingerprint(read_policy(str(tmp_path / f"{name}.yaml"))))
    assert hashes[0] == hashes[1] != hashes[2]
