"""The durable record of what is reserved, made and granted: each method is one transaction."""

from __future__ import annotations

from allocator.ledger.carrying_out import CarryingOut
from allocator.ledger.comparing import Comparing
from allocator.ledger.deciding import Deciding
from allocator.ledger.remembering import Remembering


class Ledger(Deciding, CarryingOut, Comparing, Remembering):
    """Correct under several processes and after a `kill -9` at any instant: what a method wrote is on disk.

    Every method raises a LedgerError where the ledger is locked, read-only, damaged or out of reach.
    """
