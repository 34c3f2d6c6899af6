"""Many volumes that lie somewhere already, rearranged by local search.

`rearrange.rearrange(volumes, inventory, rules, tiers, effort)` is the way in: those of the volumes that go elsewhere,
and what that costs. It knows no particular rule or goal: they say to `words` what they say to the solver's model,
`compile` makes arrays of that, `anneal` searches along `course`, and `kernel` is the inner loop.
"""
