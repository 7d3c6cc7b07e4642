"""An order at the exchange, with its history: one row for every status it passed through."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from brokers.simulator.instruments import Contract
from brokers.simulator.replies import number, timestamp


class Status(StrEnum):
    """Kite's status words, in the order in which an order meets them."""

    RECEIVED = "PUT ORDER REQ RECEIVED"
    VALIDATION_PENDING = "VALIDATION PENDING"
    OPEN_PENDING = "OPEN PENDING"
    TRIGGER_PENDING = "TRIGGER PENDING"
    OPEN = "OPEN"
    MODIFY_VALIDATION_PENDING = "MODIFY VALIDATION PENDING"
    MODIFY_PENDING = "MODIFY PENDING"
    MODIFIED = "MODIFIED"
    CANCEL_PENDING = "CANCEL PENDING"
    COMPLETE = "COMPLETE"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


IN_FLIGHT = frozenset({Status.RECEIVED, Status.VALIDATION_PENDING, Status.OPEN_PENDING})
TERMINAL = frozenset({Status.COMPLETE, Status.CANCELLED, Status.REJECTED})


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a client asked for, checked. Quantities in units, prices in rupees (0 where there is none)."""

    account: str
    contract: Contract
    side: str
    order_type: str
    quantity: int
    price: Decimal
    product: str
    trigger_price: Decimal = Decimal(0)
    validity: str = "DAY"
    market_protection: Decimal = Decimal(0)
    disclosed_quantity: int = 0
    variety: str = "regular"
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a modification asks for; None leaves a field as it is."""

    quantity: int | None = None
    price: Decimal | None = None
    order_type: str | None = None
    trigger_price: Decimal | None = None
    validity: str | None = None
    market_protection: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the exchange is to treat one order: the switches that faults set. Seconds are of platform time.

    A held order fills no more than `first_share` of its quantity until it has been modified `until_modified`
    times, or `hold_seconds` have passed since it was accepted; with neither it is held for ever.
    """

    reject: str = ""
    invisible_seconds: float = 0.0
    stuck_seconds: float = 0.0
    held: bool = False
    first_share: float = 0.0
    until_modified: int = 0
    hold_seconds: float = 0.0
    cancel_loses: bool = False


@dataclass(frozen=True, slots=True)
class Trade:
    trade_id: str
    order_id: str
    exchange_order_id: str
    account: str
    contract: Contract
    side: str
    product: str
    quantity: int
    price: Decimal
    at: datetime

    def row(self) -> dict[str, Any]:
        """The trade as `/trades` shows it."""
        return {
            "trade_id": self.trade_id,
            "order_id": self.order_id,
            "exchange": self.contract.exchange,
            "tradingsymbol": self.contract.symbol,
            "instrument_token": self.contract.instrument_token,
            "product": self.product,
            "average_price": number(self.price),
            "quantity": self.quantity,
            "exchange_order_id": self.exchange_order_id,
            "transaction_type": self.side,
            "fill_timestamp": timestamp(self.at),
            "order_timestamp": f"{self.at:%H:%M:%S}",
            "exchange_timestamp": timestamp(self.at),
        }


@dataclass(slots=True)
class Order:
    """One order and all that has happened to it. `accepted_at` is when the broker gave it its id."""

    id: str
    exchange_order_id: str
    request: NewOrder
    accepted_at: datetime
    behaviour: Behaviour
    quantity: int
    price: Decimal
    trigger_price: Decimal
    order_type: str
    validity: str
    market_protection: Decimal
    from_api: bool = True
    status: Status = Status.RECEIVED
    message: str = ""
    modifications: int = 0
    cancelled_quantity: int = 0
    at_exchange: datetime | None = None
    triggered: bool = False
    looking: bool = False
    ended_at: datetime | None = None
    trades: list[Trade] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def contract(self) -> Contract:
        return self.request.contract

    @property
    def account(self) -> str:
        return self.request.account

    @property
    def side(self) -> str:
        return self.request.side

    @property
    def filled(self) -> int:
        return sum(trade.quantity for trade in self.trades)

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL

    @property
    def average_price(self) -> Decimal:
        filled = self.filled
        return sum((t.price * t.quantity for t in self.trades), Decimal(0)) / filled if filled else Decimal(0)

    @property
    def is_stop(self) -> bool:
        return self.order_type in ("SL", "SL-M")

    def visible(self, at: datetime) -> bool:
        """The broker's book shows it: an accepted order can be missing from it for a while."""
        return at >= self.accepted_at + timedelta(seconds=self.behaviour.invisible_seconds)

    def held(self, at: datetime) -> bool:
        """A switch keeps it from filling (further)."""
        how = self.behaviour
        if not how.held:
            return False
        modified_enough = how.until_modified and self.modifications >= how.until_modified
        long_enough = how.hold_seconds and at >= self.released_at
        return not (modified_enough or long_enough)

    @property
    def released_at(self) -> datetime:
        return self.accepted_at + timedelta(seconds=self.behaviour.hold_seconds)

    def may_fill(self, at: datetime) -> int:
        """Units that may trade now."""
        if not self.held(at):
            return self.remaining
        lots = int(self.quantity * self.behaviour.first_share) // self.contract.lot
        share = max(lots, 1) * self.contract.lot if self.behaviour.first_share else 0
        return max(0, min(share, self.quantity) - self.filled)

    def record(self, status: Status, at: datetime) -> dict[str, Any]:
        """Enter `status` and write a row of history."""
        self.status = status
        if self.terminal:
            self.ended_at = at
        row = self._row(at)
        self.history.append(row)
        return row

    def _row(self, at: datetime) -> dict[str, Any]:
        """The order as `/orders` and the history show it. Field names and order are Kite's."""
        live = self.status not in (Status.CANCELLED, Status.REJECTED)
        exchange_time = timestamp(self.at_exchange) if self.at_exchange else None
        return {
            "placed_by": self.account,
            "order_id": self.id,
            "exchange_order_id": self.exchange_order_id if self.at_exchange else None,
            "parent_order_id": None,
            "status": self.status.value,
            "status_message": self.message or None,
            "status_message_raw": self.message or None,
            "order_timestamp": timestamp(at),
            "exchange_update_timestamp": timestamp(at) if self.at_exchange else None,
            "exchange_timestamp": exchange_time,
            "variety": self.request.variety,
            "modified": self.modifications > 0,
            "exchange": self.contract.exchange,
            "tradingsymbol": self.contract.symbol,
            "instrument_token": self.contract.instrument_token,
            "order_type": self.order_type,
            "transaction_type": self.side,
            "validity": self.validity,
            "validity_ttl": 0,
            "product": self.request.product,
            "quantity": self.quantity,
            "disclosed_quantity": self.request.disclosed_quantity,
            "price": number(self.price),
            "trigger_price": number(self.trigger_price),
            "average_price": number(self.average_price),
            "filled_quantity": self.filled,
            "pending_quantity": self.remaining if live else 0,
            "cancelled_quantity": self.cancelled_quantity,
            "market_protection": number(self.market_protection),
            "meta": {},
            "tag": self.request.tag or None,
            "tags": [self.request.tag] if self.request.tag else [],
            "guid": f"{self.id}-sim",
        }
