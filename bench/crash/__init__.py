"""`python -m bench crash`: processes that carry plans out on real servers are killed, and what is left is compared."""
