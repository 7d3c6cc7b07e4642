"""Baskets, subscriptions, broker accounts and the proxies their orders leave through."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError

from tasks.domain.errors import InvalidDocument
from tasks.domain.explain import problems
from tasks.domain.fields import AccountId, BasketId, Description, Label, Model, StrategyId, distinct
from tasks.domain.stored import content

MAX_STRATEGIES = 20
"""In a basket: it is published, copied and deleted in one transaction."""

MAX_ACCOUNTS = 20
MAX_MULTIPLIER = 100


class BasketKind(StrEnum):
    """Whether it trades for its owner, or is a draft that its owner publishes for others."""

    CUSTOM = "custom"
    MARKETPLACE = "marketplace"


class AccountStatus(StrEnum):
    """What its owner lets it do."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"  # enters nothing; what is open is closed


class Basket(Model):
    """`strategies` are the ids of its own strategies, in the order its owner put them."""

    basket_id: BasketId
    name: Label = Field(min_length=1)
    description: Description = ""
    kind: BasketKind = BasketKind.CUSTOM
    strategies: Annotated[tuple[StrategyId, ...], AfterValidator(distinct)] = Field(
        default=(), max_length=MAX_STRATEGIES
    )


Accounts = Annotated[tuple[AccountId, ...], AfterValidator(distinct)]


class Subscription(Model):
    """One user's use of a published basket. Its lots are `multiplier` times what the publisher wrote."""

    basket_id: BasketId
    accounts: Accounts = Field(min_length=1, max_length=MAX_ACCOUNTS)
    multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)
    paused: bool = False


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("must be an IP address, as it is registered at the broker") from None


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or any(char.isspace() for char in text):
        raise ValueError("must be the address of a forward proxy, http://… or https://…")
    return text


def without_password(proxy_url: str) -> str:
    """A proxy's address as everybody may know it: `http://10.0.0.7:3128`."""
    parts = urlsplit(proxy_url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _open_proxy(text: str) -> str:
    if text and text != without_password(_proxy(text)):
        raise ValueError("must be the proxy's address alone, without user and password")
    return text


IpAddress = Annotated[str, Field(max_length=64), AfterValidator(_address)]
ProxyUrl = Annotated[str, Field(max_length=200), AfterValidator(_proxy)]
"""With user and password, where the proxy asks for them: it goes to Secrets Manager and nowhere else."""

EgressName = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z0-9-]+$")]
UserId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:@-]+$")]


class Egress(Model):
    """A forward proxy with a fixed address. `owner` is the first user whose account went through it.

    `address` is where requests come out, `proxy` where they go in; the user and password of the latter are in
    Secrets Manager (`tasks.egress.secret_name`) and never here.

    Brokers allow one address for several people only within a family: `family` are the other users who may
    share it, as they declared it at the broker.
    """

    name: EgressName
    address: IpAddress
    proxy: Annotated[str, Field(max_length=200), AfterValidator(_open_proxy)] = ""
    owner: str = ""
    family: tuple[UserId, ...] = Field(default=(), max_length=20)

    def admits(self, user_id: str) -> bool:
        return self.owner in ("", user_id) or user_id in self.family


class AccountEgress(Model):
    """What an account keeps of its egress."""

    name: EgressName
    address: str


class BrokerAccount(Model):
    """A linked broker account: never its secrets. Its lots are `lot_multiplier` times a strategy's."""

    account: AccountId
    broker: str = Field(pattern="^zerodha$")
    label: Label = ""
    lot_multiplier: int = Field(default=1, ge=1, le=MAX_MULTIPLIER)
    egress: AccountEgress | None = None
    status: AccountStatus = AccountStatus.ACTIVE
    valid_until: str | None = None


class Platform(Model):
    """What the operator decided. Strangers may link accounts only under a stated empanelment.

    Algos that others use need an empanelled provider (SEBI's circular of 4 February 2025). Prices are asked for
    through `data_account`; where none is named, through the first account of each run. `algo_id` is what the
    exchange gave: it goes with every order where the broker takes one.
    """

    strangers: bool = False
    empanelment: Label = ""
    algo_id: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,32}$")
    data_account: str = Field(default="", pattern=r"^([A-Z0-9]{2,12})?$")

    @property
    def admits_strangers(self) -> bool:
        return self.strangers and bool(self.empanelment)


ModelT = TypeVar("ModelT", bound=Model)


def parse(model: type[ModelT], document: Mapping[str, Any]) -> ModelT:
    """The value that a JSON-shaped document of an author describes.

    Raises
    ------
    InvalidDocument
        With one reason for each wrong field, the field's path first; never what was given for a secret.
    """
    fields = model.model_fields
    try:
        return model.model_validate_json(json.dumps(document))
    except ValidationError as error:
        hidden = [name for name, field in fields.items() if not field.repr]
        reasons = problems(error, known=tuple(fields), hidden=hidden)
        raise InvalidDocument(reasons, what=model.__name__) from None


def read(model: type[ModelT], document: Mapping[str, Any]) -> ModelT:
    """The value that a document of the catalog holds. Raises `InvalidDocument`."""
    return parse(model, content(document))
