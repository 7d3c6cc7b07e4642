"""What travels between the state machines and the tasks in more than one place.

Everything here is required and JSON-shaped: a path that is missing is States.Runtime in Step Functions, which
nothing can catch. Prices travel as strings, because JSON's numbers are doubles.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Slot(BaseModel):
    """One named slot of a state machine's data, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TransactionType(StrEnum):
    """Which side of a strategy's day an event is for."""

    ENTRY = "ENTRY"
    EXIT = "EXIT"


class AccountRef(Slot):
    """A broker account that takes part in a run, and whose it is: the owner's or a subscriber's.

    `multiplier` is the subscription's, 1 for the owner's own.
    """

    account: str
    broker: str
    user_id: str
    multiplier: int


class ResolvedLeg(Slot):
    """One leg of a strategy, with the contract that was chosen for it and why.

    `quote` is the middle of bid and ask at that moment, which fills are compared with.
    """

    leg: int
    exchange: str
    symbol: str
    exchange_token: str
    strike: str
    right: str
    expiry: str
    side: str
    lots: int
    lot_size: int
    tick: str
    freeze: int
    limit_price: str
    quote: str
    reason: str


class AccountTask(Slot):
    """The input of AccountBasket: one account's part of one side of a run.

    `exit_legs` are the legs to close where only some are to be closed; empty for the whole account. An exit
    reads what the legs are from the account's plan.
    """

    side: TransactionType
    run_key: str
    account: str
    broker: str
    user_id: str
    basket_id: str
    strategy_id: str
    underlying: str
    trading_date: str
    entry_until: str
    exit_at: str
    product: str
    on_leg_reject: str
    chase: str
    multiplier: int
    legs: list[ResolvedLeg]
    exit_legs: list[int]


class PlannedOrder(Slot):
    """One order that is to be sent. ClaimOrder writes it to the orders table before anything leaves.

    `quote` is the middle of bid and ask when it was decided, "0" where nobody knew.
    """

    order_id: str
    position_id: str
    run_key: str
    account: str
    broker: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: str
    purpose: Literal["N", "X"]
    leg: int
    slice: int
    attempt: int
    exchange: str
    symbol: str
    exchange_token: str
    side: Literal["BUY", "SELL"]
    quantity: int
    product: str
    limit_price: str
    quote: str
    tick: str
    entry_until: str


class WaveStatus(StrEnum):
    READY = "READY"
    MISSED = "MISSED"
    FLAT = "FLAT"
    SHUT = "SHUT"
    WAIT = "WAIT"


class Wave(Slot):
    """Orders to send, BUY before SELL. `both` says that the one side must be done before the other starts.

    `retry_at` is when to look again (UTC, whole seconds) where `status` is SHUT or WAIT.
    """

    status: WaveStatus
    purpose: Literal["N", "X"]
    buys: list[PlannedOrder]
    sells: list[PlannedOrder]
    both: bool
    reason: str
    retry_at: str
