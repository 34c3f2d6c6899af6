"""What a fleet is made of as arrays: places by kind, running sums, and what asks would add to them."""
