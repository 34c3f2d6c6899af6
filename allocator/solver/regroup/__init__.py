"""Moves for thousands of volumes at once: equal volumes are counted pool by pool, not named one by one."""
