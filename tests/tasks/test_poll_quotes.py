"""PollQuotes: whether the feed sees, and what is done where it doesn't."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from brokers.errors import BrokerUnavailable, RateLimited
from tasks.feed.following import FEED, FEEDING
from tasks.poll_quotes import LOOKS, Input, Output, look
from tasks.runtime import Runtime
from tests.feed.fixed import CALL, FixedLevels, Started, a_run, lifted
from tests.tasks.world import ACCOUNT, FakeBroker, World


@pytest.fixture
def world() -> World:
    made = World.at()
    made.stores.market.put(FEED, FEEDING, {"account": ACCOUNT})
    made.stores.runs.plan_account(a_run())
    made.broker.prices[CALL] = Decimal(250)
    says(made, "BLIND")
    return made


def says(world: World, state: str, ago: float = 0.5) -> None:
    at = world.clock.now() - timedelta(seconds=ago)
    world.stores.feeds.put(ACCOUNT, {"state": state, "at": at.isoformat(), "reason": "cut"}, fence=1)


def poll(world: World, looks: int = 1, level: str = "300", started: Started | None = None) -> Output:
    rt = lifted(world.rt, started or Started())
    return look(Input(looks=looks), rt, [FixedLevels({CALL: Decimal(level)})])


@pytest.mark.parametrize("state", ["SEES", "IDLE", "SHUT"])
def test_a_feed_that_sees_needs_no_poll(world: World, state: str) -> None:
    says(world, state)
    output = poll(world)
    assert (output.again, output.blind, world.broker.quote_calls) == (False, False, [])


@pytest.mark.parametrize("state", ["UNSURE", "BLIND"])
def test_what_has_a_stop_is_polled_and_looked_at_again(world: World, state: str) -> None:
    says(world, state)
    output = poll(world)
    assert (output.again, output.polled, output.began) == (True, 1, 0)
    assert world.broker.quote_calls == [[CALL]]
    assert world.stores.quotes.get_many([CALL])[CALL].last == Decimal(250)


def test_a_level_that_is_reached_starts_the_exit_as_the_feed_would(world: World) -> None:
    started = Started()
    output = poll(world, level="250", started=started)
    assert output.began == 1
    assert started.executions[0][:2] == ("AccountBasket", "straddle-20261123-S-ZA1234-EXIT")


def test_a_row_that_stands_still_gets_one_more_look_and_then_a_person(world: World) -> None:
    """A clock that jumps leaves it behind for a moment; a feed that is dead leaves it for good."""
    says(world, "SEES", ago=60)
    first = poll(world)
    assert (first.again, first.polled, world.alarms.raised) == (True, 0, [])
    second = poll(world, looks=first.looks)
    assert (second.polled, world.alarms.raised) == (1, ["FeedBlind"])


def test_it_ends_for_the_next_minutes_execution_to_go_on(world: World) -> None:
    assert not poll(world, looks=LOOKS).again


@pytest.mark.parametrize("what", ["shut", "flat", "never fed", "nothing watched"])
def test_nothing_to_do(world: World, what: str) -> None:
    rt, levels = lifted(world.rt, Started()), {CALL: Decimal(300)}
    if what == "shut":
        world.clock.at = world.clock.at.replace(hour=16)
    elif what == "flat":
        world.clock.at += timedelta(days=2)
    elif what == "never fed":
        world.stores.market.put(FEED, FEEDING, {})
    else:
        levels = {}
    output = look(Input(looks=1), rt, [FixedLevels(levels)])
    assert (output.again, world.broker.quote_calls) == (False, [])


def test_another_account_is_asked_when_the_first_has_no_session(world: World) -> None:
    world.stores.runs.plan_account(a_run("other", "ZB5678"))
    sound = FakeBroker(world.clock, account="ZB5678", prices={CALL: Decimal(250)})
    world.expire_token()

    class Two:
        def reader(self, account: str) -> FakeBroker:
            return sound if account == "ZB5678" else world.broker

        def trader(self, user_id: str, account: str) -> FakeBroker:
            raise NotImplementedError

    rt: Runtime = replace(lifted(world.rt, Started()), brokers=Two())
    output = look(Input(looks=1), rt, [FixedLevels({CALL: Decimal(300)})])
    assert output.polled == 1


def test_two_polls_of_a_second_ask_once(world: World) -> None:
    poll(world)
    world.clock.advance(0.3)
    with pytest.raises(RateLimited):
        poll(world)
    assert len(world.broker.quote_calls) == 1


def test_a_broker_that_does_not_answer_is_the_machines_to_retry(world: World) -> None:
    world.broker.broken = BrokerUnavailable("no answer")
    with pytest.raises(BrokerUnavailable):
        poll(world)
