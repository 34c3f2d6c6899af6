"""Why a plan is as it is, for whoever asks later: what the ledger's history keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Grounds:
    """JSON objects as text: of the decision as a whole, and of each volume by name. No secret is in them."""

    decision: str
    volumes: Mapping[str, str] = field(default_factory=dict)
