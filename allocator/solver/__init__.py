"""The exact solver: the only folder that loads OR-Tools."""
