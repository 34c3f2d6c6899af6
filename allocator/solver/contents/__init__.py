"""Single volumes packed by whole contents of pools: column generation, a dive, and what that proves."""
