"""What `make bench` says of many at one second holds for a few, too."""

from __future__ import annotations

from bench import scale
from bench._market import LATENCY
from bench.scale import Seen
from workflows.asl.interpreter import Status

MANY = 60
"""More than the 40 iterations that an inline Map runs at once."""


def test_subscribers_share_one_resolution_and_do_not_wait_for_each_other() -> None:
    seen = scale._seen(MANY, scale._subscribers)
    executions = seen.market.simulation.executions.values()
    assert len(executions) == 1 + MANY
    assert all(running.status is Status.SUCCEEDED for running in executions)
    assert sum(running.states.count("ResolveStrikes") for running in executions) == 1
    assert len(seen.market.quoted) == 1
    assert seen.spread <= 2 * LATENCY["states"]  # the second round of the Map, and no account's own slowness


def test_a_slow_account_holds_up_nobody() -> None:
    """It takes nothing from the others: each has an execution of its own."""
    alone = scale._seen(1, scale._subscribers)
    together = scale._seen(MANY, scale._subscribers)
    assert together.first == alone.first
    assert together.longest_wait - alone.longest_wait <= 2 * LATENCY["states"]


def test_strategies_of_different_users_share_the_quotes() -> None:
    seen: Seen = scale._seen(MANY, scale._users)
    assert len(seen.market.quoted) == 2  # one for each index
    assert seen.quotes_in_a_second == 1
    assert seen.spread == 0
