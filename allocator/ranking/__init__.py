"""What a search for the best place of one VM stands on: seats, patterns, ways, and what they cost."""
