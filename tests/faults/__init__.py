"""A simulated world in which anything can go wrong at any crossing, and what must hold whatever does.

`python -m tests.faults` runs the matrix; `docs/faults.md` says what is in it.
"""
