"""Volumes as they are written: what was asked for, where each lies, and the QoS it has there."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from allocator.documents.qos import QosEntry
from allocator.documents.requests import Demands, RequestEntry
from allocator.documents.words import Count, Entry, Listed, Name, refusal


class PinEntry(Entry):
    """Where the request had asked to be."""

    pool: Name | None = None
    host: Name | None = None


class MovingEntry(Entry):
    """Where a volume goes that is on the move: until it is there, both places hold room for it."""

    pool: Name
    alternative: Count | None = None
    """Which of the alternatives asked for it will have; left out: what it has."""


class VolumeEntry(RequestEntry):
    """A request that has been placed.

    One mapping under `qos` is what it has; a list is what was asked for, `alternative` which was chosen.
    """

    pool: Name
    """Where it lies."""
    host: Name | None = None
    """Where it is attached."""
    hosts: Listed[Name] | None = None
    """Where it is attached, if to several."""
    alternative: Count | None = None
    """Which of the alternatives was chosen, from 0."""
    has: QosEntry | None = None
    """What the volume has, where that is none of the alternatives asked for."""
    pinned: PinEntry | None = None
    host_resources: Demands | None = None
    """Its VM's demands on the host, where this volume carries them."""
    vm_resources: Demands | None = None
    """The same, where another volume of the VM carries them."""
    foreign: bool = False
    """Made outside the engine: counted, never touched."""
    moving_to: MovingEntry | None = None

    @model_validator(mode="after")
    def _says_once(self) -> Self:
        if self.host is not None and self.hosts is not None:
            raise refusal("It states host and hosts.", "Maybe keep hosts.", "host")
        if self.has is not None and isinstance(self.qos, QosEntry):
            raise refusal("Both `has` and one mapping under `qos` say what it has.", "Maybe drop `has`.", "has")
        return self
