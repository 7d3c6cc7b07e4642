"""Many at one second: subscribers of one strategy, and strategies of many users. On simulated time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench._market import SECOND, Market
from tests.tasks.world import strategy

SIZES = (1, 10, 100, 500)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one morning came to. Seconds are simulated, except `cost`."""

    size: int
    market: Market
    cost: float

    @property
    def orders(self) -> int:
        return len(self.market.sent)

    @property
    def first(self) -> float:
        return (self.market.sent[0] - SECOND).total_seconds()

    @property
    def spread(self) -> float:
        return (self.market.sent[-1] - self.market.sent[0]).total_seconds()

    @property
    def longest_wait(self) -> float:
        """Of one account, from the entry's second to its first order."""
        return max((min(each.sent) - SECOND).total_seconds() for each in self.market.accounts.values())

    @property
    def quotes_in_a_second(self) -> int:
        """The most calls that one account made within any second."""
        made = sorted(self.market.quoted)
        return max(
            sum(who == account and 0 <= (when - start).total_seconds() < 1 for when, who in made)
            for start, account in made
        )


def run() -> Iterator[dict[str, object]]:
    for name, play in (
        ("subscribers of one strategy", _subscribers),
        ("strategies of different users", _users),
    ):
        for size in SIZES:
            yield from _figures(name, _seen(size, play))


def _seen(size: int, play: Callable[[Market, int], None]) -> Seen:
    market = Market()
    play(market, size)
    began = time.perf_counter()
    market.morning()
    seen = Seen(size, market, time.perf_counter() - began)
    assert seen.orders == 2 * size, f"{seen.orders} orders of {size} accounts"
    return seen


def _subscribers(market: Market, size: int) -> None:
    """One account each."""
    market.publish(strategy(basket_id="weekly", accounts=[]))
    for user_id, account in _people(size):
        market.open_account(user_id, account)
        market.subscribe(user_id, account)
    market.schedule_fires("marketplace")


def _users(market: Market, size: int) -> None:
    """Each with a strategy of their own, on one of two indices, at different strikes."""
    for number, (user_id, account) in enumerate(_people(size)):
        market.open_account(user_id, account)
        name = f"own-{number}"
        sell = {"side": "SELL", "lots": 1, "strike": f"ATM+{number % 4}"}
        document = strategy(
            strategy_id=name,
            underlying="NIFTY" if number % 2 else "BANKNIFTY",
            legs=[sell | {"right": "CE"}, sell | {"right": "PE"}],
            accounts=[account],
        )
        market.stores.catalog.put(user_id, f"STRATEGY#{name}", document)
        market.schedule_fires(user_id, name)


def _people(size: int) -> Iterator[tuple[str, str]]:
    return ((f"user-{number}", f"Z{number:05d}") for number in range(size))


def _figures(name: str, seen: Seen) -> Iterator[dict[str, object]]:
    said = f"scale: {seen.size} {name}"
    market = seen.market
    yield _figure(f"{said}, entry second to the first order", round(seen.first, 2), "s")
    yield _figure(f"{said}, to the last account's first order", round(seen.longest_wait, 2), "s")
    yield _figure(f"{said}, first to last order", round(seen.spread, 2), "s")
    yield _figure(f"{said}, state transitions for each", round(market.transitions / seen.size, 1), "")
    calls = f"{len(market.quoted)} in all; to hold: 1 a second through an account"
    yield _figure(f"{said}, most quote calls in a second", seen.quotes_in_a_second, "", calls)
    yield _figure(f"{said}, this machine's time", round(seen.cost, 2), "s")


def _figure(name: str, value: float, unit: str, reference: str = "") -> dict[str, object]:
    return {"name": name, "value": value, "unit": unit, "reference": reference}
