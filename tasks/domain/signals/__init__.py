"""When an indicator-based strategy would enter and leave: what its author writes, and whether it holds.

`operands` and `conditions` are what is written and stored; `timeframes` makes bars of a length out of
one-minute bars; `studies` computes; `evaluation` says true, false or unknown, and why.
"""
