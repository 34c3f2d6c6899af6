"""Other schedulers, measured on the same fleets in the same run, each in an environment of its own."""
