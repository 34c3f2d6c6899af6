"""Few moves that gain most, within a budget: some are taken back and better ones made instead, again and again."""
