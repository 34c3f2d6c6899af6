"""Many processes on one ledger: nothing may be oversold, and nobody may wait for long."""
