"""The exchange simulator in this process, and an account's seat at it.

The exchange, its rules, its rate limits and its switches are `brokers.simulator`'s own; there are no sockets
and there is no server. A `Seat` is the real `brokers.zerodha.Zerodha` with the official HTTP client taken out
and one put in its place that calls the exchange and raises what the official client would raise. So every
answer, good or bad, goes through the adapter's own mapping (`books`, `failures`), and a call costs
microseconds instead of the milliseconds of `requests`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeVar

from brokers.errors import BrokerError
from brokers.model import Exchange as Segment
from brokers.model import Instrument, InstrumentId, NotSent, Rejected, Right, Unknown
from brokers.simulator.auth import Account, Sessions
from brokers.simulator.calendar import Session, TradingCalendar, trading_calendar
from brokers.simulator.exchange import Exchange, Update
from brokers.simulator.faults import Call, Fault, Faults
from brokers.simulator.instruments import Contract, Listing, generate
from brokers.simulator.limits import RateLimits
from brokers.simulator.market import Market
from brokers.simulator.orders import Behaviour, NewOrder, Order
from brokers.simulator.prices import Walk
from brokers.simulator.replies import KiteError, number, timestamp
from brokers.simulator.underlyings import underlyings
from brokers.simulator.validation import change, new_order
from brokers.simulator.world import REFERENCE_DAY
from brokers.zerodha import Credentials, Zerodha
from brokers.zerodha._kite import kite_errors
from brokers.zerodha.failures import read_error, send_outcome
from brokers.zerodha.http import Wire

T = TypeVar("T")

STRIKES = 8
"""Listed on each side of the money: fewer than in life, for speed."""
MARKET_SEED = 7
Cross = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One order call that reached the broker, for the rate limits' invariant."""

    at: float
    account: str
    kind: str
    code: int


@lru_cache(maxsize=8)
def _calm_market() -> Market:
    levels = {name: one.level for name, one in underlyings().items()}
    calendar = trading_calendar()
    return Market(Walk(MARKET_SEED, levels, REFERENCE_DAY, calendar), calendar)


@lru_cache(maxsize=16)
def _listing(day: date) -> Listing:
    """BANKNIFTY's two nearest expiries, around the money."""
    market, calendar = _calm_market(), trading_calendar()
    yesterday = calendar.previous(day)
    everything = generate(day, {n: market.walk.close(n, yesterday) for n in market.walk.names}, calendar)
    spot = market.walk.close("BANKNIFTY", yesterday)
    options = [c for c in everything.contracts if c.underlying == "BANKNIFTY" and c.is_option]
    nearest = sorted({c.expiry for c in options})[:2]
    strikes = sorted({c.strike for c in options}, key=lambda strike: abs(float(strike) - spot))[: 2 * STRIKES]
    kept = frozenset(strikes)
    return Listing([c for c in options if c.expiry in nearest and c.strike in kept])


class ShortDays:
    """The exchange's calendar, which may know of an early close that ours has not heard of."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self.closes_at: datetime | None = None

    def session(self, day: date) -> Session | None:
        session = self._calendar.session(day)
        early = self.closes_at
        if session is None or early is None or early.date() != day:
            return session
        return Session(session.open, early)

    def is_open(self, at: datetime) -> bool:
        session = self.session(at.date())
        return session is not None and session.contains(at)


class Venue:
    """One day at the exchange, for all accounts."""

    def __init__(self, start: datetime, accounts: Iterable[str], *, pay: Callable[[], datetime]) -> None:
        self.now = pay
        self.market = _calm_market()
        self.market.walk.forget_moves()
        self.calendar = ShortDays(trading_calendar())
        # The exchange asks its calendar for sessions and whether they are open, and for nothing else.
        self.exchange = Exchange(
            self.market,
            self.calendar,  # type: ignore[arg-type]
            step=timedelta(milliseconds=15),
            always_open=lambda: False,
            price_bands=lambda: True,
        )
        self.faults = Faults()
        self.limits = RateLimits()
        self.sessions = Sessions(
            tuple(Account(name, f"key{name}", f"secret{name}", f"token{name}") for name in accounts), 7
        )
        self.sessions.open_given(start)
        self.asked: list[Asked] = []
        self.updates: Callable[[Update], None] = lambda update: None
        self.shut_out: set[str] = set()
        """Accounts whose token is over."""
        self.master_is_empty = False
        self.freeze = 0
        """The most units of one order, where the exchange has lowered it since the master was made."""

    def listing(self) -> Listing:
        return _listing(self.now().date())

    def next_event(self) -> datetime | None:
        return self.exchange.next_event()

    def advance(self) -> None:
        self.exchange.advance(self.now())
        for update in self.exchange.take_updates():
            self.updates(update)

    # --- what others do there ---

    def trade_outside(self, account: str, symbol: str, side: str, units: int, tag: str = "") -> Order:
        contract = self.listing().by_key[f"NFO:{symbol}"]
        terms = NewOrder(account, contract, side, "MARKET", units, Decimal(0), "MIS", tag=tag)
        return self.exchange.trade_outside(terms, self.now())

    def cancel_outside(self, order: Order) -> None:
        if not order.terminal and order.at_exchange is not None:
            self.exchange.cancel(order, self.now())

    # --- what stands in its ledger ---

    def orders(self, account: str = "") -> Iterator[Order]:
        return (o for o in self.exchange.orders.values() if account in ("", o.account))

    def net(self, account: str) -> dict[str, int]:
        """Units by symbol, outside trades included, without those that are flat."""
        net: dict[str, int] = {}
        for trade in self.exchange.trades:
            if trade.account == account:
                signed = trade.quantity if trade.side == "BUY" else -trade.quantity
                net[trade.contract.symbol] = net.get(trade.contract.symbol, 0) + signed
        return {symbol: units for symbol, units in net.items() if units}


@dataclass(slots=True)
class Lines:
    """The way from the code under test to the venue: what it costs in time, and the crossings on it."""

    cross: Cross
    pause: Callable[[float], None]
    delay: Callable[[], float]
    status: Callable[[int], None] = field(default=lambda code: None)
    effect: Callable[[], object] = field(default=lambda: None)
    """What the call in progress does at the exchange, for a request that arrives late."""


class Kite:
    """What `Zerodha` calls of the official client, answered by the exchange in this process."""

    def __init__(self, venue: Venue, account: str, lines: Lines) -> None:
        self._venue = venue
        self._account = account
        self._lines = lines

    # Orders

    def place_order(self, variety: str, **terms: Any) -> str:
        form = {name: str(value) for name, value in terms.items()}
        return self._order_call("place", lambda: self._place(variety, form))

    def modify_order(self, variety: str, order_id: str, **terms: Any) -> str:
        form = {name: str(value) for name, value in terms.items()}
        return self._order_call("modify", lambda: self._modify(order_id, form))

    def cancel_order(self, variety: str, order_id: str) -> str:
        return self._order_call("cancel", lambda: self._cancel(order_id))

    def _place(self, variety: str, form: dict[str, str]) -> str:
        venue, now = self._venue, self._venue.now()
        request = new_order(
            form,
            account=self._account,
            variety=variety,
            listing=venue.listing(),
            at=now,
            is_open=venue.exchange.is_open(now),
        )
        if venue.freeze and request.quantity > venue.freeze:
            raise KiteError(
                400, "InputException", f"Quantity exceeds the freeze quantity: at most {venue.freeze}."
            )
        call = Call("place", self._account, request.contract.symbol, request.side, request.tag)
        return venue.exchange.place(request, venue.faults.of_order(call), now).id

    def _modify(self, order_id: str, form: dict[str, str]) -> str:
        order = self._own(order_id)
        self._venue.exchange.modify(order, change(form, order), self._venue.now())
        return order.id

    def _cancel(self, order_id: str) -> str:
        order = self._own(order_id)
        self._venue.exchange.cancel(order, self._venue.now())
        return order.id

    def _own(self, order_id: str) -> Order:
        order = self._venue.exchange.orders.get(order_id)
        if order is None or order.account != self._account:
            raise KiteError(404, "OrderException", "Couldn't find that `order_id`.")
        return order

    def _order_call(self, name: str, act: Callable[[], str]) -> str:
        def counted() -> str:
            code = 200
            try:
                self._venue.limits.count("order", self._account, self._venue.now())
                return act()
            except KiteError as error:
                code = error.code
                raise
            finally:
                asked = Asked(self._venue.now().timestamp(), self._account, name, code)
                self._venue.asked.append(asked)

        return self._call(name, counted)

    # Reads

    def profile(self) -> dict[str, Any]:
        return self._call("profile", lambda: {"user_id": self._account})

    def orders(self) -> list[dict[str, Any]]:
        return self._call("orders", self._book)

    def _book(self) -> list[dict[str, Any]]:
        now = self._venue.now()
        return [o.history[-1] for o in self._venue.orders(self._account) if o.visible(now)]

    def trades(self) -> list[dict[str, Any]]:
        return self._call("trades", list)

    def positions(self) -> dict[str, Any]:
        return self._call("positions", self._net)

    def _net(self) -> dict[str, Any]:
        common = {"product": "MIS", "average_price": 0, "overnight_quantity": 0}
        net = self._venue.net(self._account)
        return {"net": [{"tradingsymbol": symbol, "quantity": q, **common} for symbol, q in net.items()]}

    def quote(self, symbols: list[str]) -> dict[str, Any]:
        return self._call("quote", lambda: self._quotes(symbols))

    def _quotes(self, symbols: list[str]) -> dict[str, Any]:
        venue, now = self._venue, self._venue.now()
        venue.limits.count("quote", f"key{self._account}", now)
        by_key = venue.listing().by_key
        found = {key: _quote(venue.market, by_key[key], now) for key in symbols if key in by_key}
        indices = {f"{u.index.exchange}:{u.index.symbol}": u.index for u in underlyings().values()}
        for key in symbols:
            if key in indices:
                last = number(venue.market.index_price(indices[key], now))
                found[key] = {"last_price": last, "timestamp": timestamp(now)}
        return found

    def _arrives(self, act: Callable[[], object]) -> None:
        """A request reaches the exchange, and nobody waits for its answer."""
        self._venue.advance()
        with suppress(KiteError):
            act()

    def _call(self, name: str, act: Callable[[], T]) -> T:
        """There and back. What the exchange refuses is raised as the official client raises it."""
        lines, operation = self._lines, f"broker.{name}"
        lines.effect = partial(self._arrives, act)
        lines.cross(operation, "before")
        lines.pause(lines.delay())
        try:
            self._venue.advance()
            if self._account in self._venue.shut_out:
                raise KiteError(403, "TokenException", "Incorrect `api_key` or `access_token`.")
            answer = act()
        except KiteError as error:
            lines.status(error.code)
            raise as_the_client_says(error) from None
        lines.cross(operation, "after")
        lines.pause(lines.delay())
        return answer


def as_the_client_says(error: KiteError) -> Exception:
    """The exception that kiteconnect makes of an answer with an error in it."""
    kind = getattr(kite_errors, error.error_type, kite_errors.GeneralException)
    made: Exception = kind(str(error), code=error.code)
    return made


def _quote(market: Market, contract: Contract, at: datetime) -> dict[str, Any]:
    book = market.book(contract, at)
    depth = {
        name: [{"price": number(levels[0].price), "quantity": levels[0].quantity, "orders": 1}]
        if levels
        else []
        for name, levels in (("buy", book.bids), ("sell", book.asks))
    }
    return {"last_price": number(book.last), "timestamp": timestamp(at), "depth": depth}


class Seat(Zerodha):
    """One account at the venue, by the real adapter."""

    def __init__(self, venue: Venue, account: str, lines: Lines, clock: Any) -> None:
        credentials = Credentials(account, f"key{account}", f"secret{account}", f"token{account}", account)
        super().__init__(credentials, clock=clock)
        self._venue = venue
        self._reader = Wire(Kite(venue, account, lines))
        lines.status = self._note

    def _note(self, code: int) -> None:
        self._reader.status = code

    def _send(
        self, tell: Callable[[Any], object], understand: Callable[[object], T]
    ) -> T | Rejected | NotSent | Unknown:
        wire = self._reader
        wire.status = None
        try:
            return understand(tell(wire.kite))
        except Exception as error:  # noqa: BLE001  (as the adapter does)
            return send_outcome(error, wire.status, self._secrets)

    def instruments(self, exchange: Segment, underlyings: Any = None) -> Iterator[Instrument]:
        """The master, without the CSV: its parser has tests of its own, and takes longer than a run."""

        def master() -> list[Instrument]:
            if self._venue.master_is_empty:
                return []
            return [_instrument(contract) for contract in self._venue.listing().contracts]

        kite = self._reader.kite
        self._reader.status = None
        try:
            return iter(kite._call("instruments", master))
        except Exception as error:  # noqa: BLE001  (as the adapter does)
            raise self._meaning(error) from None

    def _meaning(self, error: Exception) -> BrokerError:
        return read_error(error, self._reader.status, self._secrets, self.account)


def _instrument(contract: Contract) -> Instrument:
    return Instrument(
        InstrumentId(Segment(contract.exchange), str(contract.exchange_token)),
        contract.symbol,
        contract.underlying,
        contract.expiry,
        contract.strike,
        Right(contract.right),
        contract.lot,
        contract.tick,
    )


__all__ = ["Asked", "Behaviour", "Fault", "Kite", "Lines", "Seat", "Venue"]
