"""What travels in a path, a header or a body, with its checks and its place in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Body, Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WrapValidator

from tasks.api.problems import Refused
from tasks.domain.basket import (
    MAX_ACCOUNTS,
    MAX_MULTIPLIER,
    MAX_STRATEGIES,
    Accounts,
    AccountStatus,
    BasketKind,
    EgressName,
    IpAddress,
    Platform,
    ProxyUrl,
    UserId,
    parse,
)
from tasks.domain.errors import InvalidDocument, InvalidStrategy
from tasks.domain.fields import AccountId, BasketId, Description, Label, Model, TimeOfDay
from tasks.domain.ids import MAX_LEGS_ALONE
from tasks.domain.strategy import MAX_LEGS, StrategyDraft, parse_draft

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID = r"^[A-Za-z0-9._:@-]{1,64}$"


def _iso_day(value: object) -> object:
    """Pydantic would take a number of seconds for a day as well."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day like 2026-11-23")
    return value


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._:-]{1,64}$",
        description="Yours, new for each command. The same command sent again with it has one effect.",
    ),
]
LegNumber = Annotated[int, Field(ge=1, le=MAX_LEGS)]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^(W/)?"?([0-9]{1,9}|\*)"?$',
        description="The version you saw. If another stands: 409, with that version.",
    ),
]
BasketPath = Annotated[str, Path(pattern=_ID)]
StrategyPath = Annotated[str, Path(pattern=_ID)]
AccountPath = Annotated[str, Path(pattern=_ID)]
NamePath = Annotated[str, Path(pattern=_ID)]
RunPath = Annotated[str, Path(pattern=_ID)]
Day = Annotated[
    date | None,
    BeforeValidator(_iso_day, json_schema_input_type=date),
    Query(alias="date", description="A trading day; today if you give none."),
]
AccountQuery = Annotated[str | None, Query(alias="account", pattern=_ID)]
StrategyQuery = Annotated[str | None, Query(alias="strategy_id", pattern=_ID)]
BasketQuery = Annotated[str | None, Query(alias="basket_id", pattern=_ID)]
Limit = Annotated[int, Query(ge=1, le=500)]
Few = Annotated[int, Query(ge=1, le=100)]


class BasketBody(Model):
    """A basket with its strategies, as a file would hold it. Strategies begin disabled."""

    name: Label = Field(min_length=1)
    description: Description = ""
    kind: BasketKind = BasketKind.CUSTOM
    strategies: tuple[StrategyDraft, ...] = Field(default=(), max_length=MAX_STRATEGIES)


class BasketChange(Model):
    """What may change of a basket; its strategies have addresses of their own."""

    name: Label = Field(min_length=1)
    description: Description = ""


class NewStrategy(StrategyDraft):
    """A strategy and the basket it goes into. It begins disabled."""

    basket_id: BasketId


class LinkBody(Model):
    """A broker account. The key and the secret are of your own app at the broker (developers.kite.trade)."""

    account: AccountId
    broker: str = Field(default="zerodha", pattern="^zerodha$")
    api_key: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$", repr=False)
    api_secret: str = Field(min_length=1, max_length=128, pattern="^[A-Za-z0-9_-]+$", repr=False)
    label: Label = ""
    lot_multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)
    egress: EgressName | None = None


class AccountChange(Model):
    """`egress` names a proxy that the operator has set up; null sends orders directly."""

    label: Label = ""
    lot_multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)
    egress: EgressName | None = None
    status: AccountStatus = AccountStatus.ACTIVE


class SubscribeBody(Model):
    """Lots are `multiplier` times what was published, times each account's own multiplier."""

    basket_id: BasketId
    accounts: Accounts = Field(min_length=1, max_length=MAX_ACCOUNTS)
    multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)


class SubscriptionChange(Model):
    accounts: Accounts = Field(min_length=1, max_length=MAX_ACCOUNTS)
    multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)
    paused: bool = False


class ProfileBody(Model):
    """`report`: whether the day's report is only kept (ask for it), or mailed after the close as well."""

    name: Label = ""
    report: Literal["keep", "mail"] = "keep"


class EgressBody(Model):
    """A forward proxy. `family` are users of one family, who may share its address.

    `proxy_url` may hold a user and a password, and is never shown again; left out, the one known stays.
    """

    address: IpAddress
    proxy_url: ProxyUrl | None = Field(default=None, repr=False)
    family: tuple[UserId, ...] = Field(default=(), max_length=20)


class RunBody(Model):
    """Of a run by hand: when it exits, if not at the strategy's own time.

    `everybody`, for admins: a published strategy runs in the accounts of all who take part in it.
    """

    exit_time: TimeOfDay | None = None
    everybody: bool = False


class SquareOffBody(Model):
    """`stop` also disables every strategy and pauses every subscription: nothing enters again by itself."""

    stop: bool = False


class LegsBody(Model):
    """What of a strategy to close: all, or some of its legs, of one account or run, where they are named."""

    legs: list[LegNumber] = Field(default_factory=list, max_length=MAX_LEGS_ALONE)
    account: AccountId | None = None
    run_key: str | None = Field(default=None, pattern=_ID)


class ReachBody(Model):
    """Of the kill switch: one account, all of mine (if nothing is said), or everybody's, for admins."""

    account: AccountId | None = None
    everyone: bool = False


class KillBody(ReachBody):
    """`reason` is for people to read later."""

    reason: Label = ""


def _refusing(parser: Callable[[Any], BaseModel]) -> WrapValidator:
    """Parses by our own rules, so that people read our words. What the schema says is for the documents."""

    def check(value: Any, _handler: Any) -> Any:
        if not isinstance(value, dict):
            raise Refused(["the body must be a JSON object"])
        try:
            return parser(value)
        except (InvalidDocument, InvalidStrategy) as error:
            raise Refused(error.problems) from None

    return WrapValidator(check)


def _model(model: type[Any]) -> WrapValidator:
    return _refusing(lambda value: parse(model, value))


def _basket(value: dict[str, Any]) -> BaseModel:
    """Each strategy's problems carry its place: `strategies[1].legs[0].lots: …`."""
    drafts = value.get("strategies", [])
    if not isinstance(drafts, list) or len(drafts) > MAX_STRATEGIES:
        drafts = []
    problems: list[str] = []
    parsed: list[StrategyDraft] = []
    for place, draft in enumerate(drafts):
        try:
            parsed.append(parse_draft(_object(draft)))
        except InvalidStrategy as error:
            problems += [f"strategies[{place}].{line}" for line in error.problems]
    rest = value if not drafts else {name: part for name, part in value.items() if name != "strategies"}
    try:
        body = parse(BasketBody, rest)
    except InvalidDocument as error:
        raise InvalidDocument((*error.problems, *problems), what="basket") from None
    if problems:
        raise InvalidDocument(tuple(problems), what="basket")
    return body.model_copy(update={"strategies": tuple(parsed)})


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidStrategy(("must be an object with fields",))
    return value


def _new_strategy(value: dict[str, Any]) -> BaseModel:
    draft = parse_draft({name: part for name, part in value.items() if name != "basket_id"})
    place = parse(_Place, {"basket_id": value.get("basket_id")})
    return NewStrategy.model_construct(**dict(draft), basket_id=place.basket_id)


class _Place(Model):
    basket_id: BasketId


BasketIn = Annotated[BasketBody, _refusing(_basket), Body()]
BasketChangeIn = Annotated[BasketChange, _model(BasketChange), Body()]
StrategyIn = Annotated[StrategyDraft, _refusing(parse_draft), Body()]
NewStrategyIn = Annotated[NewStrategy, _refusing(_new_strategy), Body()]
LinkIn = Annotated[LinkBody, _model(LinkBody), Body()]
AccountIn = Annotated[AccountChange, _model(AccountChange), Body()]
SubscribeIn = Annotated[SubscribeBody, _model(SubscribeBody), Body()]
SubscriptionIn = Annotated[SubscriptionChange, _model(SubscriptionChange), Body()]
ProfileIn = Annotated[ProfileBody, _model(ProfileBody), Body()]
EgressIn = Annotated[EgressBody, _model(EgressBody), Body()]
PlatformIn = Annotated[Platform, _model(Platform), Body()]
RunIn = Annotated[RunBody | None, Body()]
SquareOffIn = Annotated[SquareOffBody | None, Body()]
ReachIn = Annotated[ReachBody | None, Body()]
KillIn = Annotated[KillBody | None, Body()]
LegsIn = Annotated[LegsBody | None, Body()]


class Out(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)
