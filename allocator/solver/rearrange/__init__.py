"""Many volumes that lie somewhere already, rearranged by local search."""
