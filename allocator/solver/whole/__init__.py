"""Place all of a batch or nothing of it: begun over the limits, and brought back within them."""
