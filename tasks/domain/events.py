"""The catalogue of domain events: everything that happens, in the past tense, each with a versioned schema.

An event carries the state it left behind, so that a read-model is a fold of events and nothing else, and a
consumer that missed one is right again with the next. A field may be added with a default; one that changes its
meaning needs a new `version`, and an entry in `UPCASTS` that says how the older form is read.

`docs/events.md` is generated from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field


class Facts(BaseModel):
    """What an event says. Unknown fields are dropped: a newer writer may have added them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DomainEvent(Facts):
    """One thing that happened. Its name is the class's."""

    version: ClassVar[int] = 1

    @classmethod
    def name(cls) -> str:
        return cls.__name__


# --- what the catalog holds ---


class InCatalog(DomainEvent):
    """Something of the catalog: `owner` is a user's id, or `marketplace`, `egress`, `platform`."""

    owner: str


class OfProfile(InCatalog):
    document: dict[str, Any]


class ProfileChanged(OfProfile):
    """A user wrote down who they are, for the first time or again."""


class OfBasket(InCatalog):
    basket_id: str


class BasketState(OfBasket):
    document: dict[str, Any]


class BasketCreated(BasketState):
    """A user made a basket."""


class BasketChanged(BasketState):
    """Its name, description or list of strategies is another."""


class BasketDeleted(OfBasket):
    """A basket is gone. What its strategies hold open is still closed at its time."""


class BasketPublished(BasketState):
    """A basket is in the marketplace for the first time."""


class BasketVersionPublished(BasketState):
    """A newer version is in the marketplace: the next run trades it."""


class BasketWithdrawn(BasketState):
    """A basket left the marketplace: nobody enters it any more."""


class OfStrategy(InCatalog):
    strategy_id: str


class StrategyState(OfStrategy):
    basket_id: str = ""
    enabled: bool
    document: dict[str, Any]


class StrategyCreated(StrategyState):
    """A strategy was written."""


class StrategyChanged(StrategyState):
    """What a strategy does, or when, is another. What is open keeps the exit it was entered with."""


class StrategyEnabled(StrategyState):
    """A strategy was switched on: its schedules follow."""


class StrategyDisabled(StrategyState):
    """A strategy was switched off: it enters nothing, and what is open is closed at its time."""


class StrategyDeleted(OfStrategy):
    """A strategy is gone. What it holds open is closed at the time frozen when it was entered."""


class ScheduleState(OfStrategy):
    strategy_version: int
    schedules: dict[str, str]


class StrategyScheduled(ScheduleState):
    """EventBridge Scheduler has the strategy's ENTRY and EXIT; `schedules` maps their names to when."""


class StrategyUnscheduled(OfStrategy):
    """The strategy has no schedules any more."""


class OfSubscription(InCatalog):
    basket_id: str


class SubscriptionState(OfSubscription):
    document: dict[str, Any]


class Subscribed(SubscriptionState):
    """A user follows a published basket, with these accounts and this multiplier."""


class SubscriptionChanged(SubscriptionState):
    """Other accounts, another multiplier."""


class SubscriptionPaused(SubscriptionState):
    """The next run leaves this subscriber out."""


class SubscriptionResumed(SubscriptionState):
    """The next run takes this subscriber in again."""


class Unsubscribed(OfSubscription):
    """A user follows a basket no longer."""


class OfAccount(InCatalog):
    account: str


class AccountState(OfAccount):
    document: dict[str, Any]


class BrokerAccountLinked(AccountState):
    """A user linked a broker account. Its secrets are in no event."""


class BrokerAccountChanged(AccountState):
    """Its label, lot multiplier, egress or status is another."""


class BrokerLoggedIn(AccountState):
    """The day's login is done: orders can go out until `valid_until`."""


class BrokerAccountUnlinked(OfAccount):
    """A broker account and its secrets were removed."""


class LoginNeeded(OfAccount):
    """It is a trading day and the account has no session: its owner has to log in at the broker."""

    trading_date: str
    asked_at: str
    reason: str


class OfFeed(DomainEvent):
    """Of the feed of one data account."""

    account: str
    at: str
    reason: str


class FeedBlind(OfFeed):
    """The market is open and the feed hears nothing: stops are polled for, and somebody should look."""


class FeedSees(OfFeed):
    """The feed hears the market again, or the market has shut."""


class OfEgress(DomainEvent):
    egress: str
    address: str = ""


class EgressChanged(OfEgress):
    """The operator added a forward proxy, or changed who may share it. Its password is in no event."""

    document: dict[str, Any] = Field(default_factory=dict)


class EgressRemoved(OfEgress):
    """A forward proxy is no longer to be used."""


class PlatformChanged(DomainEvent):
    """The operator's decisions: whether strangers may link accounts, and under which empanelment."""

    document: dict[str, Any]


# --- runs ---


class ClaimFacts(Facts):
    run_key: str
    side: str
    execution: str
    claimed_at: str
    user_id: str = ""
    basket_id: str = ""
    strategy_id: str = ""
    trading_date: str = ""
    status: str = ""
    reason: str = ""


class OfClaim(DomainEvent):
    claim: ClaimFacts


class RunClaimed(OfClaim):
    """An execution took this side of a strategy's day."""


class RunSkipped(OfClaim):
    """A run entered nothing, and why: the weekday, a holiday, the days to expiry."""


class RunMissed(OfClaim):
    """A run came too late to enter."""


class EndFacts(Facts):
    """`account` is "" where it is the run as a whole."""

    run_key: str
    side: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    underlying: str = ""
    trading_date: str
    execution: str
    status: str
    reason: str
    at: str


class OfEnd(DomainEvent):
    end: EndFacts


class RunFailed(OfEnd):
    """An execution failed, ran too long or was stopped, and nobody mended it yet."""


class RunResumed(OfEnd):
    """An execution that had failed was redriven."""


class AccountRunFacts(Facts):
    run_key: str
    account: str
    broker: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: str
    underlying: str = ""
    product: str
    phase: str
    entry_until: str
    exit_at: str
    execution: str = ""
    exit_execution: str = ""


class OfAccountRun(DomainEvent):
    run: AccountRunFacts


class EntryPlanned(OfAccountRun):
    """What one account will do in a run is frozen, its `exit_at` too. Nothing was sent yet."""


class EntryCalledOff(OfAccountRun):
    """Squared off before anything was planned: this account enters nothing in this run."""


class EntryCompleted(OfAccountRun):
    """The account's position stands as it was meant to."""


class ExitBegun(OfAccountRun):
    """From here on no new entry of this account can leave."""


class LegExitBegun(OfAccountRun):
    """Legs are closed on their own: nothing of them can be entered any more, what else is open stays."""

    legs: list[int]


class AccountFlat(OfAccountRun):
    """The account holds nothing of this run."""


class ExitPostponed(OfAccountRun):
    """The market is shut: the exit is due when it opens."""


class EntriesHalted(DomainEvent):
    """The kill switch: nothing is entered there, and what is open is closed.

    `place` is `ALL`, `USER#…` or `ACCOUNT#…`, `scopes` are those that hold it now.
    """

    place: str
    scopes: list[str]


class EntriesReleased(DomainEvent):
    """A scope of the kill switch holds the place no longer; entries go on where `scopes` is empty."""

    place: str
    scopes: list[str]


class ExitRoundPlanned(DomainEvent):
    """The closing orders of one round of a leg are frozen."""

    run_key: str
    account: str
    leg: int = 0
    """0 in events from before each leg had rounds of its own."""
    round: int
    orders: list[str]


class ExternalActivityDetected(DomainEvent):
    """Somebody else traded in a contract of ours: a person at a terminal, or the broker squaring off.

    `side` and `quantity` are what is new, in units; `bought` and `sold` all that others did in the contract on
    that day, `ours` the net of our own orders, `net` the broker's.
    """

    account: str
    user_id: str
    trading_date: str
    exchange: str
    symbol: str
    product: str
    side: str
    quantity: int
    bought: int
    sold: int
    ours: int
    net: int
    seen_at: str


# --- orders and positions ---


class OrderFacts(Facts):
    """An order as its row has it. Prices are rupees as text, quantities units.

    `quote` is the middle of bid and ask when it was decided; "0" where nobody knew.
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
    purpose: str
    leg: int
    slice: int
    attempt: int
    exchange: str
    symbol: str
    side: str
    quantity: int
    product: str
    limit_price: str
    quote: str = "0"
    status: str = "CLAIMED"
    broker_order_id: str = ""
    filled_quantity: int = 0
    average_price: str = "0"
    modifications: int = 0
    reason: str = ""
    claimed_at: str
    sent_at: str = ""
    updated_at: str = ""


class OfOrder(DomainEvent):
    order: OrderFacts


class OrderClaimed(OfOrder):
    """The intent is written, nothing was sent."""


class OrderSending(OfOrder):
    """It is leaving."""


class OrderHeldBack(OfOrder):
    """It surely did not leave, and may be sent again."""


class OrderUnknown(OfOrder):
    """It left and the reply was lost: the broker's book will tell."""


class OrderPlaced(OfOrder):
    """The broker has it."""


class OrderRepriced(OfOrder):
    """Its limit was moved."""


class OrderPartlyFilled(OfOrder):
    """More of it has traded."""


class OrderFilled(OfOrder):
    """All of it has traded."""


class OrderRejected(OfOrder):
    """The broker or the exchange refused it; `reason` has their words."""


class OrderCancelled(OfOrder):
    """It works no longer. It may hold fills."""


class OrderMissed(OfOrder):
    """It was never sent: its window is over, or its exit has begun."""


class OrderAbsent(OfOrder):
    """It was sent perhaps, and the broker never had it."""


class OrderChanged(OfOrder):
    """Something else of it is known, such as the reason it waits."""


class PositionFacts(Facts):
    """One leg of one run in one account. Prices and `realised` are rupees as text, quantities units."""

    position_id: str
    run_key: str
    account: str
    user_id: str
    basket_id: str
    strategy_id: str
    trading_date: str
    exchange: str
    symbol: str
    side: str
    entry_qty: int = 0
    entry_price: str = "0"
    exit_qty: int = 0
    exit_price: str = "0"
    realised: str = "0"


class OfPosition(DomainEvent):
    position: PositionFacts


class PositionOpened(OfPosition):
    """The first fill of a leg."""


class PositionChanged(OfPosition):
    """More of a leg was entered, or a part of it closed."""


class PositionClosed(OfPosition):
    """All that was entered is closed; `realised` is what it earned before charges."""


# --- an account's day ---


class OfAccountDay(DomainEvent):
    """Money is rupees as text."""

    owner: str
    account: str
    trading_date: str


class AccountMarked(OfAccountDay):
    """What an account's positions were worth at a moment of the day, and the funds they blocked.

    `prices` are the broker's last prices by symbol, `profit` its own figure for the day so far, before charges.
    """

    at: str
    profit: str
    blocked: str
    available: str
    prices: dict[str, str] = {}


class ContractFacts(Facts):
    """One contract of an account's day in both books. `outside` is what trades that are not ours earned."""

    symbol: str
    ours: str
    outside: str
    broker: str
    difference: str
    agrees: bool


class DayFacts(Facts):
    """An account's day: `gross` and `net` are ours, `broker` is the broker's own profit before charges.

    `difference` is what the broker says beyond ours and what others traded outside.
    """

    orders: int
    gross: str
    charges: str
    net: str
    outside: str
    broker: str
    difference: str
    contracts: list[ContractFacts]
    closed_at: str


class AccountDay(OfAccountDay):
    day: DayFacts


class DayClosed(AccountDay):
    """The day's profit of an account, charges taken off, beside the broker's own."""


class PnLDiffers(AccountDay):
    """The broker's day profit in some contract is not what our orders and others' trades come to."""


def _concrete(base: type[DomainEvent]) -> list[type[DomainEvent]]:
    """The events below `base` in the order they are written here: those nothing derives from."""
    found: list[type[DomainEvent]] = []
    for each in base.__subclasses__():
        found += _concrete(each) if each.__subclasses__() else [each]
    return found


CATALOGUE: dict[str, type[DomainEvent]] = {event.name(): event for event in _concrete(DomainEvent)}
"""Every event by its name."""

UPCASTS: dict[tuple[str, int], Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {}
"""From the data of (event, version) to that of the next version."""


class UnknownEvent(Exception):
    """No event of that name and version is in the catalogue: it was written by a newer platform."""


def parse_event(name: str, version: int, data: Mapping[str, Any]) -> DomainEvent:
    """The event as this code knows it, whatever version it was written in.

    Raises
    ------
    UnknownEvent
        For a name, or a version, that is not in the catalogue.
    """
    event = CATALOGUE.get(name)
    if event is None or version > event.version:
        raise UnknownEvent(f"{name} version {version}")
    while version < event.version:
        data = UPCASTS[name, version](data)
        version += 1
    return event.model_validate(data)
