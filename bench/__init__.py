"""Measurements: how fast, how well, on fleets made from a seed."""
