"""What can be wrong with a ledger, or with what it is asked to record."""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger cannot do what was asked. The text names the ledger or the thing, and what might help."""


class NotALedger(LedgerError):
    """The file or database is something else."""


class NoLedger(LedgerError):
    """There is no ledger yet, and none was to be made."""


class OlderSchema(LedgerError):
    """The ledger was written by an older version of this code, and was not to be upgraded."""


class NewerSchema(LedgerError):
    """The ledger was written by a newer version of this code."""


class LedgerReadOnly(LedgerError):
    """The ledger, or the directory it lies in, cannot be written."""


class LedgerLocked(LedgerError):
    """Another process has held the ledger for too long."""


class LedgerDamaged(LedgerError):
    """The ledger is cut short or otherwise broken."""


class LedgerUnreachable(LedgerError):
    """The database does not answer, or broke off. What was being committed is on record or is not: look, then go on."""


class StaleDecision(LedgerError):
    """The facts changed since the decision was made: decide again on fresh facts."""


class AlreadyHeld(LedgerError):
    """Another plan holds the volume, or the name."""


class NotHeld(LedgerError):
    """The ledger knows no such volume, or not in a state that allows this."""


class UnknownPlan(LedgerError):
    """The plan was never reserved, or is not what was reserved under its id."""


class PlanBusy(LedgerError):
    """Another process is running the plan."""


class JobBusy(LedgerError):
    """Another process is running such a job."""


class LostLease(LedgerError):
    """Another process took the plan over: whoever gets this stops at once and touches nothing more."""
