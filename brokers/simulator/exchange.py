"""The exchange: takes orders, walks them through their states, matches them, and says what happened.

It does no I/O and has no clock. Whoever owns it calls `advance(now)`; everything that was due up to then
happens in the order of time, at the time it was due, however far `now` has jumped. Prices are a function of
time, so the outcome does not depend on how often anybody looked.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from brokers.simulator.calendar import TradingCalendar
from brokers.simulator.market import Level, Market
from brokers.simulator.orders import Behaviour, Change, NewOrder, Order, Status, Trade
from brokers.simulator.protection import price_band, protected_price
from brokers.simulator.replies import order_refused

MODIFICATIONS = 25
FREQUENT_LOOKS = timedelta(seconds=60)


class Due(Enum):
    """What can fall due for an order."""

    STEP = auto()  # the next state of the walk
    MATCH = auto()  # a switch lets go of it
    CHANGE = auto()  # the next state of a modification
    CANCEL = auto()
    LOOK = auto()  # has the price come to a resting order?
    LAPSE = auto()  # the session closes


UNANNOUNCED = frozenset({Due.LOOK, Due.LAPSE})
"""Nothing that anybody waits for: they don't keep the platform's clock from jumping."""


@dataclass(frozen=True, slots=True)
class Update:
    """An order changed in a way that Kite tells its owner about; `row` is the order as it then was."""

    order: Order
    row: dict[str, Any]
    at: datetime


class Exchange:
    """Orders of all accounts. The market is everybody's, and the accounts never meet in it."""

    def __init__(
        self,
        market: Market,
        calendar: TradingCalendar,
        *,
        step: timedelta,
        always_open: Callable[[], bool],
        price_bands: Callable[[], bool],
    ) -> None:
        self._market = market
        self._calendar = calendar
        self.step = step
        self._always_open = always_open
        self._price_bands = price_bands
        self.orders: dict[str, Order] = {}
        self.trades: list[Trade] = []
        self._due: list[tuple[datetime, int, Due, str, Any]] = []
        self._sequence = 0
        self._events = 0
        self._updates: list[Update] = []

    def is_open(self, at: datetime) -> bool:
        return self._always_open() or self._calendar.is_open(at)

    def place(self, request: NewOrder, behaviour: Behaviour, now: datetime) -> Order:
        """Give the order an id and start its walk."""
        order = self._enter(request, behaviour, now)
        self._schedule(now + self.step + timedelta(seconds=behaviour.stuck_seconds), Due.STEP, order)
        return order

    def modify(self, order: Order, change: Change, now: datetime) -> None:
        """Start a modification; the new values hold when it has reached the exchange.

        Raises
        ------
        KiteError
            When the order is past changing, still on its way, or has been changed 25 times.
        """
        self._must_be_working(order, "modified")
        if order.modifications >= MODIFICATIONS:
            raise order_refused("Maximum allowed order modifications exceeded.")
        order.record(Status.MODIFY_VALIDATION_PENDING, now)
        order.modifications += 1
        self._schedule(now + self.step, Due.CHANGE, order, change)

    def cancel(self, order: Order, now: datetime) -> None:
        """Ask for a cancellation. What fills before it arrives stays filled."""
        self._must_be_working(order, "cancelled")
        order.record(Status.CANCEL_PENDING, now)
        self._schedule(now + self.step, Due.CANCEL, order)

    def trade_outside(self, request: NewOrder, now: datetime) -> Order:
        """An order that a person sent from a terminal: filled at once at the quote, without a tag."""
        order = self._enter(request, Behaviour(), now)
        order.from_api = False
        order.at_exchange = now
        book = self._market.book(order.contract, now)
        best = (book.asks if order.side == "BUY" else book.bids)[0]
        self._fill(order, order.quantity, best.price, now)
        return order

    def advance(self, now: datetime) -> None:
        """Let everything happen that was due by `now`."""
        handlers = {
            Due.STEP: self._on_step,
            Due.MATCH: self._on_match,
            Due.CHANGE: self._on_change,
            Due.CANCEL: self._on_cancel,
            Due.LOOK: self._on_look,
            Due.LAPSE: self._on_lapse,
        }
        while self._due and self._due[0][0] <= now:
            at, _, due, order_id, detail = heapq.heappop(self._due)
            order = self.orders[order_id]
            if not order.terminal:
                handlers[due](order, at, detail)

    def next_due(self) -> datetime | None:
        """When the next state of an order's walk is due, if anything is on its way."""
        return min(
            (at for at, _, due, i, _ in self._due if due not in UNANNOUNCED and not self.orders[i].terminal),
            default=None,
        )

    def next_event(self) -> datetime | None:
        """When `advance` next has something to do, looks at resting orders included."""
        return self._due[0][0] if self._due else None

    def take_updates(self) -> list[Update]:
        """What has happened since this was last asked."""
        updates, self._updates = self._updates, []
        return updates

    def reset(self) -> None:
        self.orders.clear()
        self.trades.clear()
        self._due.clear()
        self._updates.clear()

    def of(self, account: str) -> Iterator[Order]:
        return (order for order in self.orders.values() if order.account == account)

    # The walk

    def _enter(self, request: NewOrder, behaviour: Behaviour, now: datetime) -> Order:
        self._sequence += 1
        order = Order(
            id=f"{now:%y%m%d}{self._sequence:09d}",
            exchange_order_id=f"1{now:%y%m%d}{self._sequence:09d}",
            request=request,
            accepted_at=now,
            behaviour=behaviour,
            quantity=request.quantity,
            price=request.price,
            trigger_price=request.trigger_price,
            order_type=request.order_type,
            validity=request.validity,
            market_protection=request.market_protection,
        )
        order.record(Status.RECEIVED, now)
        self.orders[order.id] = order
        return order

    def _on_step(self, order: Order, at: datetime, _: Any) -> None:
        if order.status is Status.RECEIVED:
            order.record(Status.VALIDATION_PENDING, at)
        elif order.behaviour.reject:
            order.message = order.behaviour.reject
            self._tell(order, Status.REJECTED, at)
            return
        elif order.status is Status.VALIDATION_PENDING:
            order.record(Status.OPEN_PENDING, at)
        else:
            self._reach_exchange(order, at)
            return
        self._schedule(at + self.step, Due.STEP, order)

    def _reach_exchange(self, order: Order, at: datetime) -> None:
        order.at_exchange = at
        if self._outside_band(order, at):
            order.message = "Order price is out of the price protection (LPP) range"
            self._tell(order, Status.REJECTED, at)
            return
        session = self._calendar.session(at.date())
        if session is not None and at < session.close:
            self._schedule(session.close, Due.LAPSE, order)
        if order.is_stop:
            order.record(Status.TRIGGER_PENDING, at)
            self._watch(order, at)
            return
        self._go_live(order, at)

    def _outside_band(self, order: Order, at: datetime) -> bool:
        if not self._price_bands() or not order.contract.is_option or order.order_type != "LIMIT":
            return False
        low, high = price_band(self._market.last(order.contract, at))
        return not low <= order.price <= high

    def _go_live(self, order: Order, at: datetime) -> None:
        if order.order_type in ("MARKET", "SL-M"):
            self._protect(order, at)
        order.record(Status.OPEN, at)
        if order.behaviour.hold_seconds and order.held(at):
            self._schedule(order.released_at, Due.MATCH, order)
        # The fill is a state of its own: nobody sees OPEN and COMPLETE in the same instant.
        self._schedule(at + self.step, Due.MATCH, order)

    def _protect(self, order: Order, at: datetime) -> None:
        """A protected market order is a limit order in disguise, and its remainder can stay open."""
        last = self._market.last(order.contract, at)
        order.price = protected_price(last, order.side, order.market_protection, order.contract.tick)
        order.order_type = "LIMIT"

    # Matching

    def _on_match(self, order: Order, at: datetime, _: Any) -> None:
        if order.status is Status.TRIGGER_PENDING:
            return
        self._match(order, at, at_limit=False)
        if order.validity == "IOC" and not order.terminal:
            self._end(order, Status.CANCELLED, at)

    def _on_look(self, order: Order, at: datetime, _: Any) -> None:
        order.looking = False
        if order.status is Status.TRIGGER_PENDING:
            self._check_trigger(order, at)
        else:
            self._match(order, at, at_limit=True)
        self._watch(order, at)

    def _check_trigger(self, order: Order, at: datetime) -> None:
        last = self._market.last(order.contract, at)
        reached = last >= order.trigger_price if order.side == "BUY" else last <= order.trigger_price
        if reached:
            order.triggered = True
            self._go_live(order, at)

    def _match(self, order: Order, at: datetime, *, at_limit: bool) -> None:
        """Trade against the quote: an arriving order at the quoted price, a resting one at its own limit."""
        if order.may_fill(at) and self.is_open(at):
            for level in self._acceptable(order, at):
                units = min(order.may_fill(at), level.quantity)
                if units <= 0:
                    break
                self._fill(order, units, order.price if at_limit else level.price, at)
        self._watch(order, at)

    def _acceptable(self, order: Order, at: datetime) -> list[Level]:
        book = self._market.book(order.contract, at)
        if order.side == "BUY":
            return [level for level in book.asks if level.price <= order.price]
        return [level for level in book.bids if level.price >= order.price]

    def _fill(self, order: Order, units: int, price: Decimal, at: datetime) -> None:
        trade = Trade(
            trade_id=str(10_000_000 + len(self.trades) + 1),
            order_id=order.id,
            exchange_order_id=order.exchange_order_id,
            account=order.account,
            contract=order.contract,
            side=order.side,
            product=order.request.product,
            quantity=units,
            price=price,
            at=at,
        )
        self.trades.append(trade)
        order.trades.append(trade)
        self._tell(order, Status.OPEN if order.remaining else Status.COMPLETE, at)

    def _watch(self, order: Order, at: datetime) -> None:
        """Look again on the next whole second, later on every fifth: a fixed grid, whoever asks in between."""
        if order.terminal or order.looking or not self.is_open(at):
            return
        grid = 1 if at - order.accepted_at < FREQUENT_LOOKS else 5
        whole = at.replace(microsecond=0)
        following = whole + timedelta(seconds=grid - whole.second % grid)
        order.looking = True
        self._schedule(following, Due.LOOK, order)

    # Changes

    def _must_be_working(self, order: Order, done: str) -> None:
        if order.terminal:
            raise order_refused(f"Order cannot be {done} as it is already {order.status.value}.")
        if order.at_exchange is None:
            raise order_refused(f"Order cannot be {done} as it is being processed. Try later.")

    def _on_change(self, order: Order, at: datetime, change: Change) -> None:
        if order.status is Status.MODIFY_VALIDATION_PENDING:
            order.record(Status.MODIFY_PENDING, at)
            self._schedule(at + self.step, Due.CHANGE, order, change)
            return
        self._apply(order, change)
        self._tell(order, Status.MODIFIED, at)
        if order.is_stop and not order.triggered:
            order.record(Status.TRIGGER_PENDING, at)
            self._watch(order, at)
        elif not order.remaining:
            self._tell(order, Status.COMPLETE, at)
        else:
            self._go_live(order, at)

    def _apply(self, order: Order, change: Change) -> None:
        if change.quantity is not None:
            order.quantity = max(change.quantity, order.filled)
        if change.price is not None:
            order.price = change.price
        if change.order_type is not None:
            order.order_type = change.order_type
        if change.trigger_price is not None:
            order.trigger_price = change.trigger_price
        if change.validity is not None:
            order.validity = change.validity
        if change.market_protection is not None:
            order.market_protection = change.market_protection

    def _on_cancel(self, order: Order, at: datetime, _: Any) -> None:
        if order.behaviour.cancel_loses:
            self._fill(order, order.remaining, order.price, at)
        else:
            self._end(order, Status.CANCELLED, at)

    def _on_lapse(self, order: Order, at: datetime, _: Any) -> None:
        if not self._always_open():
            order.message = "Order lapsed: the session has closed"
            self._end(order, Status.CANCELLED, at)

    def _end(self, order: Order, status: Status, at: datetime) -> None:
        order.cancelled_quantity = order.remaining
        self._tell(order, status, at)

    def _tell(self, order: Order, status: Status, at: datetime) -> None:
        row = order.record(status, at)
        if order.from_api:
            self._updates.append(Update(order, row, at))

    def _schedule(self, at: datetime, due: Due, order: Order, detail: Any = None) -> None:
        self._events += 1  # breaks ties, so that what was scheduled first happens first
        heapq.heappush(self._due, (at, self._events, due, order.id, detail))
