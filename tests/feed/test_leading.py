"""Who acts: one at a time, and a dead one's place is taken within seconds."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from brokers.clock import FixedClock
from tasks.feed.leading import BEAT_EVERY, GIVE_UP, TAKE_OVER, Leading
from tasks.stores.feed_ports import LeaseStore
from tasks.stores.memory import memory_stores
from tasks.stores.ports import StoreUnavailable
from tests.stores.rows import AT


@dataclass
class Watch:
    """A stopwatch that tests move."""

    at: float = 100.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Shaky:
    """Leases that can't be reached from one of the processes while `down`."""

    leases: LeaseStore
    down: bool = False
    calls: int = field(default=0)

    def __getattr__(self, name: str) -> object:
        if self.down:
            raise StoreUnavailable("market: down")
        return getattr(self.leases, name)


def leading(leases: object, holder: str, watch: Watch) -> Leading:
    return Leading(leases, "FEED#ZA1", holder, FixedClock(AT), watch)  # type: ignore[arg-type]


def test_the_first_one_leads_and_the_second_waits() -> None:
    leases, watch = memory_stores().leases, Watch()
    one, two = leading(leases, "one", watch), leading(leases, "two", watch)
    for _ in range(40):
        one.step()
        two.step()
        assert (one.leads, two.leads) == (True, False)
        watch.at += BEAT_EVERY
    assert one.fence == 1


def test_a_dead_ones_place_is_taken_within_seconds() -> None:
    leases, watch = memory_stores().leases, Watch()
    one, two = leading(leases, "one", watch), leading(leases, "two", watch)
    for _ in range(5):
        one.step()
        two.step()
        watch.at += BEAT_EVERY
    died = watch.at
    while not two.leads:
        two.step()
        watch.at += BEAT_EVERY
    assert watch.at - died <= TAKE_OVER + 2 * BEAT_EVERY
    assert two.fence == 2
    one.step()
    assert not one.leads, "what was thought dead comes back and finds that it leads no more"


def test_who_gives_it_up_is_followed_at_once() -> None:
    leases, watch = memory_stores().leases, Watch()
    one, two = leading(leases, "one", watch), leading(leases, "two", watch)
    one.step()
    two.step()
    one.release()
    assert not one.leads
    two.step()
    assert two.leads


def test_who_cannot_write_his_beat_stops_before_another_may_begin() -> None:
    leases, watch = memory_stores().leases, Watch()
    shaky = Shaky(leases)
    one, two = leading(shaky, "one", watch), leading(leases, "two", watch)
    one.step()
    two.step()
    shaky.down = True
    began = watch.at
    while not two.leads:
        watch.at += 0.1
        one.step()
        two.step()
        assert one.leads == (watch.at - began < GIVE_UP)
    shaky.down = False
    one.step()
    assert not one.leads


def test_a_short_outage_costs_nothing() -> None:
    leases, watch = memory_stores().leases, Watch()
    shaky = Shaky(leases)
    one = leading(shaky, "one", watch)
    one.step()
    shaky.down = True
    watch.at += BEAT_EVERY
    one.step()
    shaky.down = False
    assert one.leads
    watch.at += BEAT_EVERY
    one.step()
    assert (one.leads, one.fence) == (True, 1)


@pytest.mark.parametrize("seed", range(50))
def test_two_never_lead_at_once(seed: int) -> None:
    """Three processes that sleep, hang and lose the table at random, for ten minutes."""
    dice, leases, watch = random.Random(seed), memory_stores().leases, Watch()
    shaky = [Shaky(leases) for _ in range(3)]
    all_of_them = [leading(store, f"feed-{n}", watch) for n, store in enumerate(shaky)]
    asleep_until = [0.0] * 3
    led = 0
    for _ in range(6_000):
        watch.at += 0.1
        for n, one in enumerate(all_of_them):
            if dice.random() < 0.002:
                asleep_until[n] = watch.at + dice.uniform(0, 12)
            if dice.random() < 0.01:
                shaky[n].down = not shaky[n].down
            if watch.at >= asleep_until[n] and dice.random() < 0.25:
                one.step()
        leaders = [one for one in all_of_them if one.leads]
        assert len(leaders) <= 1
        led += len(leaders)
    assert led > 2_000, "and most of the time there is one"
