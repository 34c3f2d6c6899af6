"""What a rule is.

A rule is written once and serves four readers: the screen (which places are open), the solver (`encode`), the
check (`violations`, in plain loops) and people (`reason`, `phrase`). It never sees what was before: whoever
asks compares amounts, so that what is broken already may stay but not get worse.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from allocator.domain.inventory import Inventory
from allocator.domain.outcome import Reason
from allocator.domain.placement import Touched, Volume
from allocator.domain.policy import Policy
from allocator.domain.request import Request
from allocator.fleet import Ask, BoolArray, Fleet, IntArray
from allocator.slack import Slack

if TYPE_CHECKING:
    from allocator.solver.model import Model

Rows = IntArray | None
"""The rows asked about; None: all of them."""
Over = Literal["pool", "host"]
Reads = Literal["wishes", "demands", "pins", "groups", "all"]
"""What of a request decides: `Request.wishes`, these on pools and its VM's `host_resources` alone on hosts,
`Request.pins`, what it says of groups (to one that says nothing of any there is nothing to say), or anything."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken by `amount` at a subject; two of the same rule and subject are compared by amount."""

    rule: str
    subject: tuple[str, ...]
    amount: int
    cause: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Which hosts reach which pools, as a relation between groups of either.

    `table[pool_group[p], host_group[h]]`, except for a pool with an `only_host`: that host alone reaches it.
    """

    pool_group: IntArray
    host_group: IntArray
    table: BoolArray
    only_host: IntArray
    """Row of the one host that reaches the pool; -1: see the table."""


class Rule:
    """Right or wrong, with a natural zero. A subclass is one file, and says Rule, Formula and Why."""

    name: ClassVar[str]
    static: ClassVar[bool] = False
    """The answer changes only with the documents, never with what is placed, and each volume answers for itself."""
    monotone: ClassVar[bool] = True
    """Adding volumes never mends a violation."""
    local: ClassVar[bool] = True
    """A volume changes the answer only for the pool and the host it goes to."""
    reads: ClassVar[Reads] = "all"
    """What the masks read of requests: what they say of one is kept for all that are alike in that."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def concerned(self, request: Request, inventory: Inventory) -> bool:
        """False where it closes nothing to this request, whatever lies there."""
        return True

    def open_pools(self, ask: Ask, fleet: Fleet, only: Rows = None) -> BoolArray | None:
        """Pools where the ask, alone, breaks and worsens nothing; None: nothing to say."""
        return None

    def open_hosts(self, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> BoolArray | None:
        """Hosts that take all these volumes of one VM together; None: nothing to say."""
        return None

    def slacks(self, over: Over, asks: Sequence[Ask], fleet: Fleet, only: Rows = None) -> Sequence[Slack] | None:
        """The same as sums that leave room where all of these hold, for as long as the documents stay as they are.

        None: the rule is not about sums, and its masks are to be asked.
        """
        return None

    def footprint(self, ask: Ask, fleet: Fleet) -> Hashable:
        """What decides on hosts where the rule reads wishes: asks of which it is equal are one to it there."""
        return ask.likeness

    def links(self, fleet: Fleet) -> Links | None:
        """The rule's relation between pools and hosts; None: it has none."""
        return None

    def mended(self, request: Request) -> bool:
        """Whether others that come with it or later may mend what the request breaks: it is judged with them."""
        return not self.monotone

    def encode(self, model: Model) -> None:
        """Say the rule to the solver in the model's words. A rule that is only a filter says nothing."""

    def violations(self, inventory: Inventory, touched: Touched | None = None) -> Iterator[Violation]:
        """What is broken among what was touched (None: everywhere), found without arrays or solver."""
        return iter(())

    def clears(self, arrivals: Sequence[Volume], inventory: Inventory) -> bool:
        """Whether a glance at newcomers clears them, and all others, of what the rule says beside its sums.

        False: `violations` tells.
        """
        return False

    def reason(self, violation: Violation, inventory: Inventory) -> Reason:
        """The violation as a fact with its numbers."""
        raise LookupError(f"Rule {self.name} has no violations to give a reason for.")

    def phrase(self, asks: Sequence[Ask], fleet: Fleet, rows: IntArray, over: str) -> str:
        """What closes these pools or hosts, to be read after their number: `lack tag ssd`."""
        return f"break rule {self.name}"


def subject_volume(volume: str, place: str) -> tuple[str, str, str]:
    """The subject of a violation by one volume at one place."""
    return "volume", volume, place


def singular(phrase: str) -> str:
    """`lack tag ssd` -> `lacks tag ssd`."""
    verb, _, rest = phrase.partition(" ")
    if verb == "always":
        return f"always {singular(rest)}"
    verb = {"have": "has", "are": "is", "do": "does", "reach": "reaches", "carry": "carries"}.get(verb, f"{verb}s")
    return f"{verb} {rest}"


def checked(inventory: Inventory, touched: Touched | None) -> Iterator[Volume]:
    """The volumes to be checked, in a fixed order; one that is on the move as it is and as it will be."""
    if touched is None:
        for volume in inventory.all_volumes():
            yield from volume.forms
        return
    for name in touched.volumes:
        found = inventory.find(name)
        if found is not None:
            yield from found.forms
