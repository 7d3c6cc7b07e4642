"""The straddle in the browser: live, broken by an expired token, redriven, finished. And another engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import boto3
import pytest
from playwright.sync_api import Page, expect

from brokers.clock import IST
from localstack.demo import running_platform
from localstack.exchange import Exchange
from localstack.platform import EMULATOR_PYTHON, Market, Platform
from localstack.seed import ACCOUNT, SECOND_ACCOUNT
from localstack.site import Ports
from localstack.stage import Stage
from tests.console.running import bundle, chromium, start
from tests.stepfunctions.endpoint import ROLE, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.platform]

BEGIN = datetime(2026, 11, 23, 9, 20, tzinfo=IST)


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    if not EMULATOR_PYTHON.exists():
        pytest.skip("the emulator's environment is not installed (make install)")
    chromium()
    bundle()
    with running_platform(Market(), BEGIN) as running:
        running.start_console()
        yield running


def test_break_it_log_in_redrive_and_see_it_finish(page: Page, platform: Platform) -> None:
    home = platform.site.console_url
    stage = Stage.new(platform, "page", accounts=(ACCOUNT, SECOND_ACCOUNT))
    page.goto(f"{home}/?strategy=page")
    stage.send("ENTRY")
    page.get_by_role("link", name="page · entry").click()
    waiting = page.locator('[data-state="WaitForEntry"][data-status="RUNNING"]')
    expect(waiting).to_contain_text(f"waits until {stage.entry:%H:%M:%S}")

    stage.exchange.expire_token(SECOND_ACCOUNT)
    stage.play(stage.entry + timedelta(seconds=8))
    expect(page.locator('[data-state="Entered"][data-status="SUCCEEDED"]')).to_be_visible()

    page.locator('[data-state="StartEntry"]').click()
    picker = page.get_by_label("Iteration of StartAccounts")
    picker.select_option(label=f"✓ {SECOND_ACCOUNT} · zerodha")
    page.locator('[data-state="StartEntry"]').click()
    page.get_by_role("link", name=f"AccountBasket page-20261123-S-{SECOND_ACCOUNT}-ENTRY").click()

    expect(page.locator('[data-state="PlanAccount"][data-status="FAILED"]')).to_contain_text("TokenExpired")
    expect(page.locator(".failure").first).to_contain_text("The broker session has ended")
    page.get_by_role("button", name=f"Log {SECOND_ACCOUNT} in here").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("dialog")).to_contain_text("Now redrive")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".actions").get_by_role("button", name="Redrive").click()
    expect(page.get_by_role("dialog")).to_contain_text("The entry window is open")
    page.get_by_role("dialog").get_by_role("button", name="Redrive").click()

    expect(page.locator('[data-state="Open"][data-status="SUCCEEDED"]')).to_be_visible(timeout=20_000)
    expect(page.locator(".head")).to_contain_text("redriven once")
    expect(page.locator('[data-state="PlanAccount"]')).to_contain_text("redriven")
    trade = page.locator(".trade")
    expect(trade.get_by_text("FILLED", exact=True)).to_have_count(2)
    for tag in tags_at_the_broker(platform):
        expect(trade).to_contain_text(tag)
    expect(trade).to_contain_text("closes exactly what has filled")

    page.get_by_role("link", name="started by StrategyLifecycle entry").click()
    expect(page.locator('[data-state="Entered"][data-status="SUCCEEDED"]')).to_be_visible()
    page.go_back()
    expect(page.locator('[data-state="Open"][data-status="SUCCEEDED"]')).to_be_visible()
    assert no_secret_in(page, platform)


def tags_at_the_broker(platform: Platform) -> list[str]:
    """Of the second account's orders."""
    orders = Exchange(platform.site.simulator_url).ledger().orders
    return [each.tag for each in orders if each.account == SECOND_ACCOUNT]


def no_secret_in(page: Page, platform: Platform) -> bool:
    secret = json.loads(
        platform.aws.secrets.get_secret_value(SecretId=f"algo/broker/{SECOND_ACCOUNT}")["SecretString"]
    )
    text = page.content()
    return secret["access_token"] not in text and secret["api_secret"] not in text


def test_another_engine_shows_what_it_has(page: Page, platform: Platform) -> None:
    """ministack's own engine: no previousEventId, no events inside of a Map, no redrive."""
    client = boto3.client(
        "stepfunctions",
        endpoint_url=platform.site.aws_url,
        region_name="ap-south-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
    )
    inside = {"StartAt": "One", "States": {"One": {"Type": "Pass", "End": True}}}
    states = {
        "Greet": {"Type": "Pass", "Result": {"items": [1, 2, 3]}, "Next": "Each"},
        "Each": {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inside, "Next": "No"},
        "No": {"Type": "Fail", "Error": "Shut", "Cause": "the market is shut"},
    }
    definition = json.dumps({"StartAt": "Greet", "States": states})
    machine = client.create_state_machine(name="other-engine", definition=definition, roleArn=ROLE)[
        "stateMachineArn"
    ]
    arn = client.start_execution(stateMachineArn=machine, name="theirs", input="{}")["executionArn"]
    wait_until(lambda: client.describe_execution(executionArn=arn)["status"] == "FAILED")

    running = start(Ports.free().console, "--endpoint", platform.site.aws_url)
    try:
        page.goto(running.url)
        page.get_by_role("link", name="theirs").click()
        expect(page.locator(".head")).to_contain_text("Failed")
        expect(page.locator('[data-state="Greet"][data-status="SUCCEEDED"]')).to_be_visible()
        expect(page.locator('[data-state="No"][data-status="FAILED"]')).to_contain_text("Shut")
        expect(page.locator(".failure").first).to_contain_text("the market is shut")
        redrive = page.locator(".actions").get_by_role("button", name="Redrive")
        expect(redrive).to_be_disabled()
        page.get_by_role("tab", name="Table").click()
        expect(page.locator("table.steps tbody tr")).to_have_count(3)
        page.get_by_role("tab", name="Events").click()
        expect(page.locator("table.history")).to_contain_text("ExecutionFailed")
    finally:
        running.stop()
