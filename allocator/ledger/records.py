"""What the ledger gives back, and what it is given to write: plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from allocator.domain.plan import Plan, Step
from allocator.domain.qos import Qos

Document = Mapping[str, object]
Result = Mapping[str, str | None]
"""What a step came to: `native_id`; `uri`, `address`, `iqn`, `chap_user`; `device`. Never a secret."""
VolumeState = Literal["reserved", "creating", "available", "deleting"]
PlanState = Literal["planned", "running", "stuck", "done", "failed", "rolled_back"]
"""`stuck`: steps of it can neither be done nor undone by themselves; its volumes keep their room."""
StepState = Literal["pending", "intent", "done", "failed", "undone"]
Outcome = Literal["done", "failed", "rolled_back"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the facts, which is left by the next change."""

    changes: int
    """How many changes there have been."""
    unlogged: int
    """How many of them can only be followed by reading everything: what devices showed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision rests on, at one moment."""

    moment: Moment
    documents: tuple[Document, ...]
    """Of every volume, by name; then of the foreign ones."""
    observations: Mapping[str, Observation]


@dataclass(frozen=True, slots=True)
class Delta:
    """How the volumes came to what they are at a moment from what they were at an earlier one."""

    moment: Moment
    documents: tuple[Document, ...]
    """Of the volumes that were written since, as they are now."""
    removed: tuple[str, ...]
    """Names of those that went, and of some that came and went."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A host that has access to a volume, and the identity that was granted."""

    host: str
    uri: str
    address: str | None = None
    iqn: str | None = None
    chap_user: str | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    """A host that a volume is attached to, and the hypervisor's own name of the device."""

    host: str
    device: str


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """The other one of a volume on the move: where it goes to, or after the switch where it was."""

    pool: str
    volume_id: str
    native_id: str | None = None
    access: tuple[Granted, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredVolume:
    """A volume as the ledger holds it. `plan` is the unfinished plan that is changing it."""

    name: str
    volume_id: str
    pool: str
    document: Document
    state: VolumeState
    native_id: str | None = None
    plan: str | None = None
    access: tuple[Granted, ...] = ()
    attachments: tuple[Attached, ...] = ()
    gone_at: int | None = None
    """When it was found to be no longer on its pool, in seconds since 1970; None: it is there."""
    device_id: str | None = None
    copy: StoredCopy | None = None

    @property
    def shown_state(self) -> str:
        """The state as people see it: `gone` where that was found."""
        return self.state if self.gone_at is None else "gone"

    @property
    def device(self) -> str:
        """What hosts know it by: the id it had first, wherever it was moved to since."""
        return self.device_id or self.volume_id

    @property
    def ids(self) -> frozenset[str]:
        """By what pools and hosts may show it, the other one of a volume on the move included."""
        other = set() if self.copy is None else {self.copy.volume_id}
        return frozenset({self.volume_id, self.device} | other)


@dataclass(frozen=True, slots=True)
class Origin:
    """For what this ledger gave an id: a volume's name and pool, by a plan."""

    name: str
    pool: str
    plan: str
    over: bool
    """No run can make it any more."""
    begun: bool = True
    """That it was tried is on record: else whoever made it did so by a newer ledger than this."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A pool as its device showed it at `at`, in seconds since 1970."""

    used_bytes: int | None
    default_qos: Qos
    at: int


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history: at `at`, in seconds since 1970, `actor` did this to `subject`, by `plan` if by one."""

    seq: int
    at: int
    actor: str
    kind: str
    subject: str
    text: str
    plan: str | None = None
    details: Document | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that failed, and is to be tried again: to do the step, or to undo it."""

    attempts: int
    """How many calls have failed so far, over all processes; 0: patience has ended, and begins anew."""
    wait_ms: int
    """How long from now until the next one."""
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class StepRecord:
    """How far a step has come."""

    state: StepState
    result: Result | None = None
    code: str | None = None
    error: str | None = None
    waiting: Waiting | None = None
    full: frozenset[str] = frozenset()
    """Of a `create`: the pools that had no space for the volume, and have not been observed since."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run a plan. `fence` grows with every claim: what an earlier holder writes is refused.

    A plan that is finished gives no right to write, only its `state`.
    """

    plan: str
    run: int
    fence: int
    owner: str
    lease_seconds: int
    state: PlanState
    steps: Mapping[int, StepRecord]
    content: Plan
    """The plan as it is carried out: with other targets than were decided, where a pool had no space."""


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """How a plan stands."""

    plan: Plan
    content: Plan
    """The plan as it is carried out, as in Claim."""
    state: PlanState
    age_seconds: int | None
    """Since it was reserved."""
    owner: str | None
    """Who runs it."""
    lease_seconds: int
    """For how long nobody else may, unless the owner is known to be gone."""
    reason: str | None
    """Why it is stuck."""
    steps: Mapping[int, StepRecord]


@dataclass(frozen=True, slots=True)
class Mark:
    """A step's new state; `undone` with an error says that it never had an effect.

    `pending` says that it was undone and is to be done again.
    """

    step: Step
    state: StepState
    result: Result | None = None
    code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Delayed:
    """A step that stays as it is for a while, because a call failed. The next mark but `intent` takes it back."""

    step: Step
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class Settled:
    """All that the plan had to do on one volume has been done, has failed or has been undone."""

    volume: str
    outcome: Outcome
    document: Document
    """The volume's document once the plan is done."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is written to the journal in one piece."""

    marks: tuple[Mark, ...] = ()
    settled: Settled | None = None
    delayed: Delayed | None = None
    full: Step | None = None
    """A `create` whose pool had no space: nothing is there, and the volume is to get another target."""
