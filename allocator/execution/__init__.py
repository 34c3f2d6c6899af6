"""Carrying out a plan through drivers and agents: journalled, resumable, undone where it fails."""
