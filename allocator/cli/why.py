"""`why`: the decisions about a volume, what each rested on, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from allocator.cli import show
from allocator.cli.again import again
from allocator.cli.codes import DONE
from allocator.cli.session import Given
from allocator.documents.sources import Source
from allocator.domain.sizes import format_bytes
from allocator.explain import cost_words, qos_words
from allocator.ledger import StoredVolume
from allocator.ledger.story import Story, Told
from allocator.minutes import fingerprint
from allocator.policy import read_policy

Same = Callable[[str, str], str]
"""Of a name and a hash: a remark on whether that is what is given now."""


def why(given: Given, volume: str) -> int:
    """Tell a volume's story. Raises LookupError for a name that the ledger's history does not know."""
    ledger = given.look()
    try:
        story = ledger.story(volume)
    finally:
        ledger.close()
    now = again(given, volume)
    if given.as_json:
        show.data({**story.to_json(), "again": None if now is None else now.to_json()})
    else:
        for line in (*_lines(story, given), *(() if now is None else now.lines())):
            show.say(line)
    return DONE


def _lines(story: Story, given: Given) -> Iterator[str]:
    yield _now(story.name, story.now)
    policy, files = _policy(given), _files(given)
    for life in story.lives:
        for told in life:
            yield _event(told)
            if told.decision is not None:
                yield from (f"  {line}" for line in _grounds(told, policy, files))


def _now(name: str, stored: StoredVolume | None) -> str:
    if stored is None:
        return f"{name} is gone."
    known = [stored.state, stored.volume_id, *([] if stored.native_id is None else [f"there {stored.native_id}"])]
    reached = [attached.host for attached in stored.attachments]
    where = f"on {stored.pool}" + (f", attached to {' and '.join(reached)}" if reached else "")
    return f"{name} is {where}: {', '.join(known)}."


def _event(told: Told) -> str:
    event = told.event
    plan = "" if event.plan is None else f", plan {event.plan}"
    return f"{show.time(event.at)} {event.kind} {event.text} by {event.actor}{plan}"


def _grounds(told: Told, policy: Same, files: Same) -> Iterator[str]:
    details, decision = told.event.details or {}, told.decision or {}
    if told.document is not None and told.event.kind == "placed":
        yield f"asked for {_asked(told.document)}"
    if "qos" in details:
        yield f"kept as choice {int(str(details['choice'])) + 1}: {qos_words(str(details['qos']))}"
    for places in ("pools", "hosts"):
        if places in details:
            yield _open(places, details[places])
    if "goals" in decision:
        yield "cost " + ", ".join(cost_words(g["goal"], g["cost"], g["bound"]) for g in _list(decision, "goals"))
        refused: Any = decision["refused"]
        beside = show.some(refused["names"]) if refused["requests"] else "nothing"
        yield f"{decision['status']}, with {decision['placed']} placed together; refused beside it: {beside}"
    if decision.get("status") == "given":
        yield "decided elsewhere: the plan was handed in, and checked against the rules"
    if "policy" in decision:
        by: Any = decision["policy"]
        yield f"by policy {by['name']} {by['hash']}{policy(by['name'], by['hash'])}"
        for document in _list(decision, "documents"):
            yield f"on {document['name']} {document['hash']}{files(document['name'], document['hash'])}"


def _asked(document: Mapping[str, Any]) -> str:
    words = [format_bytes(int(document["size"]))]
    words += [f"{key} {document[key]}" for key in ("offering", "vm", "tenant", "group") if key in document]
    words += [f"tags {', '.join(document['tags'])}"] if document["tags"] else []
    ways = [f"{kind} {show.pairs(figures)}" for way in document["qos"] for kind, figures in way.items()]
    return f"{', '.join(words)}; QoS {' or '.join(ways) or 'none'}"


def _open(places: str, count: Any) -> str:
    closed = ", ".join(f"{number:,} closed by {rule}" for rule, number in count["closed"].items())
    return f"documents left {count['open']:,} of {count['all']:,} {places} open" + (f": {closed}" if closed else "")


def _list(decision: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return list(decision[key])


def _policy(given: Given) -> Same:
    if not given.files:
        return lambda name, found: ""
    now = fingerprint(read_policy(given.policy))
    return lambda name, found: ", the same as now" if found == now else f", which is not {given.policy} {now} of now"


def _files(given: Given) -> Same:
    """Files are the same by content, wherever they lie."""
    if not given.files:
        return lambda name, found: ""
    now = {Source.of_file(path).hash for path in given.files}
    names = {Path(path).name for path in given.files}

    def same(name: str, found: str) -> str:
        if found in now:
            return ", the same as now"
        return ", which has changed since" if Path(name).name in names else ", which is not given now"

    return same
