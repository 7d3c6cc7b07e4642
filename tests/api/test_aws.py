"""The API's services on AWS: executions by name, secrets, the broker's login."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from brokers.errors import EgressRefused
from tasks.api.aws import AccountSecrets, ZerodhaLogins, services_from_environment
from tasks.api.handler import FUNCTION
from tasks.aws import proxy_of
from tasks.egress import secret_name
from tasks.executions import StepFunctions
from tasks.spec import machine_variable

REGION = "ap-south-1"
DEFINITION = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def machines(aws: None) -> StepFunctions:
    client = boto3.client("stepfunctions")
    arn = client.create_state_machine(
        name="algo-AccountBasket",
        definition=json.dumps(DEFINITION),
        roleArn="arn:aws:iam::123456789012:role/x",
    )["stateMachineArn"]
    return StepFunctions({"ACCOUNT_BASKET_MACHINE": arn})


def test_an_execution_of_a_name_is_started_once(machines: StepFunctions) -> None:
    arn, status = machines.start("AccountBasket", "run-ZA1234-EXIT", {"side": "EXIT"})
    assert status == "STARTED"
    assert arn == machines.arn("AccountBasket", "run-ZA1234-EXIT")
    assert machines.start("AccountBasket", "run-ZA1234-EXIT", {"side": "EXIT", "more": 1}) == (arn, "RUNNING")


def test_what_it_starts_it_declares() -> None:
    assert {machine_variable(name) for name in FUNCTION.starts} == {
        "STRATEGY_LIFECYCLE_MACHINE",
        "ACCOUNT_BASKET_MACHINE",
    }


def test_what_the_api_keeps_of_a_proxy_is_what_orders_go_through(aws: None) -> None:
    proxy = "http://algo:canary@10.0.0.7:3128"
    with pytest.raises(EgressRefused, match="mumbai-1 is not known"):
        proxy_of("mumbai-1")
    AccountSecrets("algo/broker/").put(secret_name("mumbai-1"), {"proxy_url": proxy})
    assert proxy_of("mumbai-1") == proxy


def test_a_secret_is_made_replaced_and_deleted(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = AccountSecrets("algo/broker/")
    assert secrets.get("ZA1234") is None
    secrets.put("ZA1234", {"api_key": "one"})
    secrets.put("ZA1234", {"api_key": "two"})
    assert secrets.get("ZA1234") == {"api_key": "two"}
    secrets.delete("ZA1234")
    secrets.delete("ZA1234")
    assert secrets.get("ZA1234") is None
    secrets.put("ZA1234", {"api_key": "three"})
    assert secrets.get("ZA1234") == {"api_key": "three"}


SECRET = {"broker": "zerodha", "api_key": "simkey", "api_secret": "simsecret"}


def test_the_login_is_at_zerodha_and_carries_the_state() -> None:
    address = ZerodhaLogins().address("ZA1234", SECRET, state="1.a.b", callback="https://x/callback/ZA1234")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://kite.zerodha.com/connect/login?")
    assert query["redirect_params"] == ["state=1.a.b"]
    assert "simsecret" not in address


def test_a_simulator_is_told_the_way_back() -> None:
    logins = ZerodhaLogins("http://127.0.0.1:9999/")
    address = logins.address("ZA1234", SECRET, state="1.a.b", callback="http://x/callback/ZA1234")
    assert address.startswith("http://127.0.0.1:9999/connect/login?")
    assert parse_qs(urlsplit(address).query)["redirect_url"] == ["http://x/callback/ZA1234?state=1.a.b"]


def test_the_services_come_from_the_environment(aws: None) -> None:
    made = services_from_environment({"PUBLIC_URL": "https://api.example/", "AWS_REGION": REGION})
    assert made.api_root == "https://api.example"
    assert "{arn}" in made.execution_page
