"""From what changes to ordered steps."""
