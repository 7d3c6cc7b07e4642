"""An exchange in a box: a server that the unmodified `kiteconnect` client cannot tell from Kite.

::

    python -m brokers.simulator --port 9000 --date 2026-11-23

What it answers, its switches for faults and its oracle (`/_sim/ledger`) are described in docs/simulator.md.
From the inside out: `calendar`, `instruments`, `prices`, `market` say what can be traded at which price and
are pure functions of time; `exchange` keeps the orders and matches them, and is told the time; `limits`,
`auth`, `faults` and `postbacks` stand between it and the HTTP of `app`.
"""
