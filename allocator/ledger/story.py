"""Why a volume is where it is: the decisions about it and all that happened to it, told from the history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, select

from allocator.ledger.history import told
from allocator.ledger.records import Document, Event, StoredVolume
from allocator.ledger.tables import plan as plans
from allocator.ledger.volumes import stored_volumes

DECIDED = frozenset({"placed", "planned"})
"""Kinds of events that follow from a decision."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that happened to a volume; where it was decided, by what, and what it was to be."""

    event: Event
    decision: Document | None = None
    """By which policy and documents, and what it costs; None for an event that follows from no decision."""
    document: Document | None = None
    """What was asked for and where it was to lie: an entry of the documents' `volumes`."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of a volume's name; `lives` are one or more, since a name can be given again."""

    name: str
    now: StoredVolume | None
    """None: there is none of that name now."""
    lives: tuple[tuple[Told, ...], ...]
    """Each begins with its placement; one from before the history told of these begins with what it tells first."""

    def to_json(self) -> dict[str, Any]:
        """The story as plain data for programs, in a shape that does not change."""
        return {
            "version": 1,
            "volume": self.name,
            "now": None if self.now is None else asdict(self.now),
            "lives": [[_told_json(told) for told in life] for life in self.lives],
        }


def story(connection: Connection, name: str) -> Story:
    """Raises LookupError for a name of which nothing is known."""
    events = told(connection, name, None)
    found = stored_volumes(connection, [name])
    if not events and not found:
        raise LookupError(
            f"The history tells of no volume {name}. Maybe the name is mistyped: `allocator list volumes` shows some."
        )
    contents, decisions = _plans(connection, {event.plan for event in events if event.plan is not None})
    of_plans = [event for events in decisions.values() for event in events if event.kind != "reserved"]
    lives: list[list[Told]] = []
    for event in sorted([*events, *of_plans], key=lambda event: event.seq):
        if event.kind == "placed" or not lives:
            lives.append([])
        lives[-1].append(_told(event, contents, decisions) if event.kind in DECIDED else Told(event))
    return Story(name, found[0] if found else None, tuple(map(tuple, lives)))


def _plans(connection: Connection, ids: Iterable[str]) -> tuple[dict[str, Any], dict[str, Sequence[Event]]]:
    """What plans say, and what the history tells of each."""
    contents: dict[str, Any] = {}
    decisions: dict[str, Sequence[Event]] = {}
    for identity in sorted(ids):
        contents[identity] = connection.execute(select(plans.c.document).where(plans.c.id == identity)).scalar()
        decisions[identity] = told(connection, identity, None)
    return contents, decisions


def _told(event: Event, contents: dict[str, Any], decisions: dict[str, Sequence[Event]]) -> Told:
    assert event.plan is not None, "decisions are told with their plan"
    # A plan that is over may be reserved once more: the last time before this is meant.
    before = [e for e in decisions[event.plan] if e.kind == "reserved" and e.seq < event.seq]
    listed = (contents[event.plan] or {}).get("volumes", ())
    document = next((document for document in listed if document["name"] == event.subject), None)
    return Told(event, (before[-1].details or {}) if before else {}, document)


def _told_json(told: Told) -> dict[str, Any]:
    head = asdict(told.event)
    return head if told.decision is None else head | {"decision": told.decision, "asked": told.document}
