"""The API's services on AWS, or on an emulator of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from brokers.clock import SystemClock
from brokers.zerodha import Credentials, complete_login, login_url
from tasks.api.here import Services
from tasks.aws import account_secret
from tasks.executions import StepFunctions
from tasks.stores.dynamodb import from_environment

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 4})


def services_from_environment(environment: Mapping[str, str]) -> Services:
    return Services(
        stores=from_environment(boto3.client("dynamodb", config=_CONFIG), environment),
        clock=SystemClock.from_environment(),
        new_id=lambda: uuid4().hex,
        executions=StepFunctions(environment),
        secrets=AccountSecrets(environment.get("BROKER_SECRET_PREFIX", "algo/broker/")),
        logins=ZerodhaLogins(environment.get("KITE_ROOT", "")),
        execution_page=environment.get("EXECUTION_PAGE", _console(environment)),
        api_root=environment.get("PUBLIC_URL", "").rstrip("/"),
    )


def _console(environment: Mapping[str, str]) -> str:
    region = environment.get("AWS_REGION", "ap-south-1")
    root = f"https://{region}.console.aws.amazon.com/states/home?region={region}"
    return f"{root}#/v2/executions/details/{{arn}}"


class AccountSecrets:
    """One JSON secret for each account and each egress."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._client = boto3.client("secretsmanager", config=_CONFIG)

    def get(self, name: str) -> dict[str, str] | None:
        return account_secret(name)

    def put(self, name: str, secret: Mapping[str, str]) -> None:
        full, text = f"{self._prefix}{name}", json.dumps(dict(secret))
        try:
            self._client.put_secret_value(SecretId=full, SecretString=text)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self._client.create_secret(Name=full, SecretString=text)

    def delete(self, name: str) -> None:
        try:
            self._client.delete_secret(SecretId=f"{self._prefix}{name}", ForceDeleteWithoutRecovery=True)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise


class ZerodhaLogins:
    """`root` is the simulator's address, where one stands in for Zerodha."""

    def __init__(self, root: str = "") -> None:
        self._root = root

    def address(self, account: str, secret: Mapping[str, str], *, state: str, callback: str) -> str:
        """At Zerodha the way back is registered with the app; a simulator is told it."""
        page = login_url(Credentials.from_secret(account, secret), carry={"state": state})
        if not self._root:
            return page
        parts = urlsplit(page)
        way_back = quote(f"{callback}?state={state}", safe="")
        return f"{self._root.rstrip('/')}{parts.path}?{parts.query}&redirect_url={way_back}"

    def complete(self, account: str, secret: Mapping[str, str], request_token: str) -> dict[str, str]:
        credentials = Credentials.from_secret(account, secret)
        session = complete_login(credentials, request_token, root=self._root or None)
        return {**secret, "access_token": session.access_token}
