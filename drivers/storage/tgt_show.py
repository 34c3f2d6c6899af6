"""What tgtd shows, read with distrust: a connected initiator can write lines of its own into it.

An initiator's alias is printed as sent, line breaks included, so that it can forge whole targets and lists of
who is admitted. The list of names (`lld show`) holds nothing that initiators send: the long listing counts only
where its headers are those names and every part of a target appears exactly once, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from allocator.driver import DriverError, ErrorCode

_PARTS: Final = ("System", "I_T nexus", "LUN", "Account", "ACL")
_NAMED: Final = re.compile(r"^        Target (\d{1,10}): (.*)$", re.MULTILINE)
_HEADER: Final = re.compile(r"^Target (\d{1,10}): (.*)\n", re.MULTILINE)
_PART: Final = re.compile(r"^    (\S.*) information:\n", re.MULTILINE)
_ENTRY: Final = re.compile(r"^        (.+)$", re.MULTILINE)
_UNIT: Final = re.compile(r"^        LUN: (\d{1,20})$", re.MULTILINE)
_THIN: Final = re.compile(r"^            Thin-provisioning: Yes$", re.MULTILINE)
_PATH: Final = re.compile(r"^            Backing store path: (.*)$", re.MULTILINE)
_NEXUS: Final = re.compile(r"^        I_T nexus: \d{1,20}$", re.MULTILINE)
_INITIATOR: Final = re.compile(r"^            Initiator: (.*?) alias: ", re.MULTILINE)
_ADDRESS: Final = re.compile(r"^                IP Address: (.*)$", re.MULTILINE)
_CONNECTION: Final = re.compile(r"^Session: (\d{1,20})\n    Connection: (\d{1,10})$", re.MULTILINE)


class ForgedListing(DriverError):
    """What tgtd shows contradicts itself: an initiator writes into it, or targets came and went meanwhile."""

    def __init__(self, contradiction: str) -> None:
        super().__init__(
            ErrorCode.UNAVAILABLE,
            f"what tgtd shows contradicts itself: {contradiction}. Maybe a connected initiator forges it by its alias, "
            "and revoking that host's access helps.",
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """A logical unit: the file behind it, and whether it may free what the client discards."""

    path: str
    thin: bool


@dataclass(frozen=True, slots=True)
class Target:
    """A target as tgtd shows it. `connected` holds the names and addresses of those logged in now."""

    number: int
    name: str
    sessions: int = 0
    connected: frozenset[str] = frozenset()
    units: Mapping[int, Unit] = field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    admitted: tuple[str, ...] = ()


def target_numbers(names: str) -> dict[str, int]:
    """Each target's number by its name, from `lld show`."""
    return {name: int(number) for number, name in _NAMED.findall(names)}


def connections(text: str) -> list[tuple[int, int]]:
    """The (session, connection) pairs of one target, from `conn show`."""
    return [(int(session), int(connection)) for session, connection in _CONNECTION.findall(text)]


def account_names(text: str) -> list[str]:
    """Every account, from `account show`."""
    return [line.strip() for line in text.split("\n")[1:] if line.strip()]


class Listing:
    """All targets at one moment; each is read only when asked for."""

    def __init__(self, before: str, text: str, after: str) -> None:
        """`text` is what all targets show, the others what they are named just before and after.

        Raises ForgedListing where a header is unknown, missing or there twice; what came or went between is known.
        """
        blocks = list(_blocks(_HEADER, text))
        shown = [(title[2], int(title[1])) for title, _ in blocks]
        named, still = target_numbers(before).items(), target_numbers(after).items()
        if len(shown) > len(set(shown)) or not (named & still) <= set(shown) <= (named | still):
            raise ForgedListing(f"{len(shown):,} targets are shown, {len(still):,} are named")
        self._bodies = {title[2]: (int(title[1]), body) for title, body in blocks}

    def find(self, name: str) -> Target | None:
        """One target; None where it is not there. Raises ForgedListing."""
        if name not in self._bodies:
            return None
        number, body = self._bodies[name]
        parts = list(_blocks(_PART, body))
        if tuple(title[1] for title, _ in parts) != _PARTS:
            raise ForgedListing(f"target {name} does not show its {len(_PARTS)} parts once and in order")
        _, nexus, units, accounts, admitted = (part for _, part in parts)
        return Target(
            number,
            name,
            sessions=len(_NEXUS.findall(nexus)),
            connected=frozenset(_INITIATOR.findall(nexus) + _ADDRESS.findall(nexus)),
            units={int(title[1]): _unit(unit) for title, unit in _blocks(_UNIT, units)},
            accounts=tuple(_ENTRY.findall(accounts)),
            admitted=tuple(_ENTRY.findall(admitted)),
        )


def _unit(text: str) -> Unit:
    path = _PATH.search(text)
    return Unit(path[1] if path else "", thin=_THIN.search(text) is not None)


def _blocks(title: re.Pattern[str], text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each title and what stands below it."""
    titles = list(title.finditer(text))
    ends = [found.start() for found in titles[1:]] + [len(text)]
    for found, end in zip(titles, ends, strict=False):
        yield found, text[found.end() : end]
