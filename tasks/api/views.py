"""The read-models: what queries answer with, and what the projector writes. Queries read nothing else.

They live in the `views` table, (owner, item) → JSON document, each a `model_dump(mode="json")` of a model here.
Owner is the user's id, or `marketplace`; the items' names are `tasks.domain.items`. Times are aware, money is
Decimal and travels as text, quantities are units. `version` is the one a command has to name.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class View(BaseModel):
    """Fields that a newer writer added are ignored, so that the reader may be the older one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class BasketView(View):
    """`BASKET#{basket_id}` of a user: their own basket, also one that is a draft for the marketplace."""

    basket_id: str
    name: str
    description: str = ""
    kind: str  # custom | marketplace
    strategies: list[str]
    version: int
    created_at: datetime
    updated_at: datetime


class StrategyView(View):
    """`STRATEGY#{strategy_id}` of a user. `strategy` is the whole document (`tasks.domain.strategy.Strategy`).

    `scheduled_version` is the version of which ENTRY and EXIT schedules stand, 0 for none.
    """

    strategy_id: str
    basket_id: str
    name: str = ""
    underlying: str
    enabled: bool
    strategy: dict[str, Any]
    scheduled_version: int = 0
    version: int
    created_at: datetime
    updated_at: datetime


class EgressView(View):
    """The forward proxy an account's orders leave through; its address is the one registered at the broker."""

    name: str
    address: str


class AccountView(View):
    """`ACCOUNT#{account}` of a user. Never a secret. `valid_until` is None before the first login."""

    account: str
    broker: str
    label: str = ""
    lot_multiplier: int = 1
    egress: EgressView | None = None
    status: str  # ACTIVE
    valid_until: datetime | None = None
    login_needed: bool = False
    version: int
    linked_at: datetime
    updated_at: datetime


class ProxyView(View):
    """`{name}` of owner `egress`, for admins. `owner` is whose accounts use it.

    `proxy` is without user and password.
    """

    name: str
    address: str
    proxy: str = ""
    owner: str = ""
    family: list[str] = Field(default_factory=list)
    version: int
    updated_at: datetime


class PlatformView(View):
    """`SETTINGS` of owner `platform`, for admins: what the operator decided. Version 0: nothing yet."""

    strangers: bool = False
    empanelment: str = ""
    algo_id: str = ""
    data_account: str = ""
    version: int = 0
    updated_at: datetime | None = None


class SubscriptionView(View):
    """`SUBSCRIPTION#{basket_id}` of a user. `basket_version` is the newest published version it follows."""

    basket_id: str
    name: str = ""
    basket_version: int
    accounts: list[str]
    multiplier: int
    paused: bool
    withdrawn: bool = False
    version: int
    created_at: datetime
    updated_at: datetime


class ProfileView(View):
    """`PROFILE` of a user. `report` is how the day's report comes: keep or mail."""

    name: str = ""
    report: str = "keep"
    version: int
    updated_at: datetime


class FeedView(View):
    """How the market is heard. `state` is SHUT, IDLE, SEES, UNSURE or BLIND; "" where no feed runs."""

    state: str = ""
    since: str = ""
    at: str = ""
    following: int = 0
    ticks_a_second: float = 0.0
    waits_for_login: bool = False
    reason: str = ""


class RunView(View):
    """`RUN#{run_key}#{account}` of the account's user.

    With account "" it is what happened to the whole run before any account was started. `executions` maps
    ENTRY and EXIT to the ARN of the execution: of AccountBasket for an account, of StrategyLifecycle else.
    """

    run_key: str
    account: str = ""
    basket_id: str
    strategy_id: str
    trading_date: date
    underlying: str = ""
    status: str
    """STARTED, SKIPPED, MISSED, FAILED or CALLED_OFF; or the account's phase: ENTERING, OPEN, EXITING, FLAT."""
    reason: str = ""
    exit_at: datetime | None = None
    executions: dict[str, str] = Field(default_factory=dict)
    updated_at: datetime


class OrderView(View):
    """`ORDER#{date}#{order_id}` of a user."""

    order_id: str
    position_id: str
    run_key: str
    account: str
    broker: str
    broker_order_id: str = ""
    basket_id: str
    strategy_id: str
    trading_date: date
    purpose: str  # N entry, X exit
    leg: int
    exchange: str
    symbol: str
    side: str
    quantity: int
    filled_quantity: int = 0
    limit_price: Decimal
    quote: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    product: str
    status: str
    reason: str = ""
    claimed_at: datetime
    updated_at: datetime


class PositionView(View):
    """`POSITION#{date}#{position_id}` of a user: one leg of one run in one account."""

    position_id: str
    run_key: str
    account: str
    basket_id: str
    strategy_id: str
    trading_date: date
    exchange: str
    symbol: str
    side: str
    entry_qty: int = 0
    entry_price: Decimal = Decimal(0)
    exit_qty: int = 0
    exit_price: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)


class MarketStrategyView(View):
    """One strategy of a published basket, without its publisher's accounts."""

    strategy_id: str
    name: str = ""
    underlying: str
    strategy: dict[str, Any]


class MarketBasketView(View):
    """`BASKET#{basket_id}` of owner `marketplace`: what everybody may browse. Never who subscribes."""

    basket_id: str
    name: str
    description: str = ""
    published_version: int
    withdrawn: bool = False
    strategies: list[MarketStrategyView]
    version: int
    published_at: datetime
    updated_at: datetime
