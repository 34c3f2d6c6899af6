"""The inner loop of the search, compiled by numba: moves that are tried, and what they change.

Importing it loads numba, which takes a second, and the first call ever compiles for some ten seconds; what was compiled
is kept on disk. Numba notices a change of the file that a function is in, but not of those that it calls.
"""
