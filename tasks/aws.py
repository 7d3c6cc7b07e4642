"""The runtime on AWS, or on an emulator of it: everything here comes from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.config import Config
from botocore.exceptions import ClientError

from brokers.clock import Clock, SystemClock
from brokers.errors import EgressRefused, TokenExpired
from brokers.protocol import Broker
from brokers.registry import connect
from tasks.domain import items
from tasks.egress import ECHO, EchoedAddress, secret_name
from tasks.objects import Objects
from tasks.runtime import Runtime
from tasks.stores.dynamodb import from_environment
from tasks.stores.ports import CatalogStore

if TYPE_CHECKING:
    from tasks.executions import StepFunctions
    from tasks.mail import SesMail
    from tasks.scheduler import EventBridgeSchedules, EventBus
    from tasks.user_pool import UserPool

logger = Logger(service="algo", child=True)

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})
_NO_LONGER_WANTED = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")


def runtime_from_environment() -> Runtime:
    clock = SystemClock.from_environment()
    stores = from_environment(boto3.client("dynamodb", config=_CONFIG))
    return Runtime(
        stores=stores,
        brokers=AccountBrokers(stores.catalog, clock),
        callbacks=StepFunctionsCallbacks(),
        alarms=MetricAlarms(clock),
        clock=clock,
        bus=OnDemand(_bus),
        scheduler=OnDemand(_scheduler),
        executions=OnDemand(_executions),
        egress=EchoedAddress(proxy_of, _echo()),
        people=OnDemand(_people),
        lake=OnDemand(_lake),
        reports=OnDemand(_reports),
        mail=OnDemand(_mail),
    )


def _echo() -> str:
    """Who tells an egress its address: on one machine the simulator."""
    root = os.environ.get("KITE_ROOT")
    return os.environ.get("ADDRESS_ECHO_URL") or (f"{root}/_sim/address" if root else ECHO)


def _reports() -> Objects:
    from tasks.objects import S3Objects  # noqa: PLC0415

    return S3Objects(boto3.client("s3", config=_CONFIG), os.environ["REPORTS_BUCKET"])


def _mail() -> SesMail:
    from tasks.mail import SesMail  # noqa: PLC0415

    return SesMail(boto3.client("ses", config=_CONFIG), os.environ.get("MAIL_FROM", ""))


def _lake() -> Objects:
    from tasks.lake_bucket import lake_objects  # noqa: PLC0415  (only the lake's own functions need it)

    return lake_objects()


class OnDemand:
    """Made when it is first used: a client costs a cold start 50 ms, and most functions need it not."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = lru_cache(maxsize=1)(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)


def _bus() -> EventBus:
    from tasks.scheduler import bus_from_environment  # noqa: PLC0415  (so does its module)

    return bus_from_environment(boto3.client("events", config=_CONFIG))


def _executions() -> StepFunctions:
    from tasks.executions import StepFunctions  # noqa: PLC0415

    return StepFunctions(os.environ)


def _people() -> UserPool:
    from tasks.user_pool import people_from_environment  # noqa: PLC0415

    return people_from_environment()


def _scheduler() -> EventBridgeSchedules:
    from tasks.scheduler import schedules_from_environment  # noqa: PLC0415

    return schedules_from_environment(boto3.client("scheduler", config=_CONFIG))


@lru_cache(maxsize=1)
def _secrets() -> Any:
    return boto3.client("secretsmanager", config=_CONFIG)


def account_secret(account: str) -> dict[str, str] | None:
    """The account's secret, or None if it has none. Read anew each time: a login must count at once."""
    return _secret(account)


def proxy_of(egress: str) -> str:
    """The egress's proxy with its user and password. Raises `EgressRefused` if nobody knows it."""
    secret = _secret(secret_name(egress))
    if secret is None:
        raise EgressRefused(f"the proxy of egress {egress} is not known: the operator has to set it up again")
    return secret["proxy_url"]


def _secret(name: str) -> dict[str, str] | None:
    prefix = os.environ.get("BROKER_SECRET_PREFIX", "algo/broker/")
    try:
        answer = _secrets().get_secret_value(SecretId=f"{prefix}{name}")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return None
        raise
    secret: dict[str, str] = json.loads(answer["SecretString"])
    return secret


@dataclass(frozen=True, slots=True)
class AccountBrokers:
    """Logged-in broker accounts, from Secrets Manager and the catalog."""

    catalog: CatalogStore
    clock: Clock

    def reader(self, account: str) -> Broker:
        return self._connect(account, proxy_url=None)

    def trader(self, user_id: str, account: str) -> Broker:
        mine, platform = (user_id, items.account(account)), (items.PLATFORM, items.SETTINGS)
        found = self.catalog.get_many((mine, platform))
        algo_id = str(found.get(platform, {}).get("algo_id") or "")
        return self._connect(account, proxy_url=_proxy(found.get(mine, {})), algo_id=algo_id)

    def _connect(self, account: str, *, proxy_url: str | None, algo_id: str = "") -> Broker:
        secret = account_secret(account)
        if secret is None:
            raise TokenExpired("no session: its owner has to log in", account=account)
        return connect(
            secret["broker"],
            secret,
            account=account,
            clock=self.clock,
            root=os.environ.get("KITE_ROOT") or None,
            proxy_url=proxy_url,
            algo_id=algo_id,
        )


def _proxy(document: Mapping[str, Any]) -> str | None:
    egress = document.get("egress")
    return proxy_of(str(egress["name"])) if egress else None


class StepFunctionsCallbacks:
    """Answers task tokens through the Step Functions API."""

    def __init__(self) -> None:
        self._client = boto3.client("stepfunctions", config=_CONFIG)

    def succeed(self, token: str, output: dict[str, object]) -> None:
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(output))
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_LONGER_WANTED:
                raise
            logger.info("nobody waits for this any more", extra={"code": error.response["Error"]["Code"]})


@dataclass(frozen=True, slots=True)
class MetricAlarms:
    """Counts as CloudWatch metrics (embedded in the log, so no call is made).

    The line says whom it is about and when, by the platform's clock: a local pager reads no more than that.
    """

    clock: Clock

    def count(self, name: str, *, account: str) -> None:
        logger.warning(name, extra={"account": account})
        with single_metric(name=name, unit=MetricUnit.Count, value=1, namespace="Algo") as metric:
            metric.add_dimension(name="alarm", value=name)
            metric.add_metadata(key="account", value=account)
            metric.add_metadata(key="at", value=self.clock.now().isoformat())
