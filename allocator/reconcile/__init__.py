"""The ledger held against what drivers and agents really hold, and what differs mended."""
