"""What a first user would set up by hand: a broker account, today's login, a strategy and its two schedules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import requests
from botocore.exceptions import ClientError

from brokers.zerodha import Credentials, complete_login, login_url
from localstack.aws import Aws
from localstack.deploy import deploy_schedules
from localstack.site import ACCOUNT_ID, PREFIX, SCHEDULE_DEAD_LETTERS, machine_arn, queue_arn
from tasks.domain.schedules import schedules_of
from tasks.domain.strategy import parse_strategy
from tasks.scheduler import EventBridgeSchedules
from tasks.spec import Table
from tasks.stores import Stores
from tasks.stores.dynamodb import dynamodb_stores

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

USER = "asha"
BASKET = "banknifty-weekly"
ACCOUNT, SECOND_ACCOUNT, THIRD_ACCOUNT = "ZA1234", "ZB5678", "ZC9012"
CREDENTIALS = {
    ACCOUNT: Credentials(ACCOUNT, api_key="simkey", api_secret="simsecret"),  # noqa: S106
    SECOND_ACCOUNT: Credentials(SECOND_ACCOUNT, api_key="simkey2", api_secret="simsecret2"),  # noqa: S106
    THIRD_ACCOUNT: Credentials(THIRD_ACCOUNT, api_key="simkey3", api_secret="simsecret3"),  # noqa: S106
}
"""What the simulator is told to accept. No other secret is known to anybody."""

SCHEDULE_GROUP = PREFIX


@dataclass(frozen=True, slots=True)
class Plan:
    """The demo's strategy, as much of it as a user may change on the command line."""

    strategy_id: str = "bn-straddle"
    name: str = "BankNifty Weekly Straddle"
    underlying: str = "BANKNIFTY"
    entry: time = time(9, 30)
    exit: time = time(15, 15)
    weekdays: Sequence[str] = ("MON", "WED", "FRI")
    dte: int | None = 0
    legs: Sequence[Mapping[str, Any]] = field(
        default_factory=lambda: (
            {"side": "SELL", "right": "CE", "lots": 1, "strike": "ATM"},
            {"side": "SELL", "right": "PE", "lots": 1, "strike": "ATM"},
        )
    )
    accounts: Sequence[str] = (ACCOUNT,)

    def document(self) -> dict[str, Any]:
        """The strategy as the catalog keeps it."""
        return {
            "strategy_id": self.strategy_id,
            "name": self.name,
            "basket_id": BASKET,
            "underlying": self.underlying,
            "entry_time": f"{self.entry:%H:%M}",
            "exit_time": f"{self.exit:%H:%M}",
            "weekdays": list(self.weekdays),
            "dte": self.dte,
            "legs": [dict(leg) for leg in self.legs],
            "accounts": list(self.accounts),
        }

    def event(self, side: str, scheduled_time: str = "<aws.scheduler.scheduled-time>") -> dict[str, Any]:
        """What its schedule sends to StrategyLifecycle."""
        return {
            "user_id": USER,
            "basket_id": BASKET,
            "strategy_id": self.strategy_id,
            "transaction_type": side,
            "entry_time": f"{self.entry:%H:%M}",
            "exit_time": f"{self.exit:%H:%M}",
            "weekdays": list(self.weekdays),
            "dte": self.dte,
            "scheduled_time": scheduled_time,
        }


def stores(aws: Aws) -> Stores:
    """The platform's tables."""
    return dynamodb_stores(aws.dynamodb, {table: f"{PREFIX}-{table}" for table in Table})


def seed(aws: Aws, simulator_url: str, plan: Plan) -> None:
    """Log in and write everything but the schedules. May be done again: the last one counts."""
    for account in plan.accounts:
        store_session(aws, log_in(simulator_url, account))
    write_catalog(stores(aws), plan)


def log_in(simulator_url: str, account: str) -> Credentials:
    """Today's session, by the same two steps as at Zerodha; the simulator's login page needs no person."""
    credentials = CREDENTIALS[account]
    page = urlsplit(login_url(credentials))
    answer = requests.get(f"{simulator_url}{page.path}?{page.query}", allow_redirects=False, timeout=10)
    target = answer.headers.get("Location", "")
    request_token = parse_qs(urlsplit(target).query).get("request_token", [""])[0]
    return complete_login(credentials, request_token, root=simulator_url)


def store_session(aws: Aws, credentials: Credentials) -> None:
    """Put the session into Secrets Manager, where the Lambdas look for it."""
    store_secret(aws.secrets, credentials)


def store_secret(secrets: SecretsManagerClient, credentials: Credentials) -> None:
    """The same, with a client of Secrets Manager alone."""
    name = f"{PREFIX}/broker/{credentials.account}"
    secret = json.dumps(
        {
            "broker": "zerodha",
            "api_key": credentials.api_key,
            "api_secret": credentials.api_secret,
            "access_token": credentials.access_token,
            "user_id": credentials.user_id,
        }
    )
    try:
        secrets.create_secret(Name=name, SecretString=secret)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
        secrets.put_secret_value(SecretId=name, SecretString=secret)


def write_catalog(stores: Stores, plan: Plan) -> None:
    """The user's account, basket and strategy. What the strategy says is checked first."""
    document = plan.document()
    parse_strategy(document)
    for account in plan.accounts:
        known = {"account": account, "broker": "zerodha", "label": f"Asha's {account}", "status": "ACTIVE"}
        stores.catalog.put(USER, f"ACCOUNT#{account}", {**known, "lot_multiplier": 1, "egress": None})
    stores.catalog.put(
        USER, f"BASKET#{BASKET}", {"basket_id": BASKET, "name": plan.name, "strategies": [plan.strategy_id]}
    )
    stores.catalog.put(USER, f"STRATEGY#{plan.strategy_id}", document)


def write_schedules(aws: Aws, plan: Plan) -> None:
    """ENTRY and EXIT, just as SyncSchedules makes them when it hears of the strategy: it finds them right."""
    deploy_schedules(aws)
    book = EventBridgeSchedules(
        aws.scheduler,
        group=SCHEDULE_GROUP,
        target=machine_arn("StrategyLifecycle"),
        role=f"arn:aws:iam::{ACCOUNT_ID}:role/{PREFIX}-schedules",
        dead_letters=queue_arn(SCHEDULE_DEAD_LETTERS),
    )
    for schedule in schedules_of(USER, parse_strategy(plan.document())):
        book.put(schedule)


def time_of_day(text: str) -> time:
    """`09:30`.

    Raises
    ------
    ValueError
        If `text` has another form.
    """
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError(f"{text!r} is not a time of day like 09:30")
    return time.fromisoformat(text)
