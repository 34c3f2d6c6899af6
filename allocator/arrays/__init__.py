"""What a fleet is made of as arrays: places by kind, running sums, and the room that is left under them."""
