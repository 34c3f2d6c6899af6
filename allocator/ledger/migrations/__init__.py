"""Migrations of the ledger's schema, run from the installed package."""
