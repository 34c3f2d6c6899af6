"""What differs between the ledger and the devices, in values that people and programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "orphan",
    "foreign",
    "gone",
    "back",
    "claimed",
    "extra_grant",
    "missing_grant",
    "extra_attachment",
    "missing_attachment",
    "throttle",
    "size",
    "qos",
    "leftover",
    "bound",
    "unreachable",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `subject` is a volume's name, its id where the ledger has no name, or a pool or host.

    `orphan`: made by this ledger, which does not hold it any more. `foreign`: volumes of others, which are counted and
    never touched. `gone`: recorded, but not on its pool; `back`: there again. `claimed`: two things have one id.
    `leftover`: held for a plan that is over; `bound`: in use, and still bound to one. `unreachable`: not compared.
    """

    kind: Kind
    place: str
    """The pool or host that was asked."""
    subject: str
    ledger: str
    """What the ledger says."""
    device: str
    """What the device says."""
    maybe: str
    """What `fix` does, or where it does nothing what somebody else may do: `Maybe ...`."""
    mends: bool = True
    """Whether `fix` does that."""

    @property
    def text(self) -> str:
        return f"{self.ledger}; {self.device}. {self.maybe}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A volume that was not looked at, since an unfinished plan works on it."""

    subject: str
    plan: str


@dataclass(frozen=True, slots=True)
class Unmended:
    """What `fix` tried in vain, and why."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found; `left` is what there is of it now, which in a dry run is all of it."""

    findings: tuple[Finding, ...]
    left: tuple[Finding, ...]
    skipped: tuple[Skipped, ...] = ()
    unmended: tuple[Unmended, ...] = ()
