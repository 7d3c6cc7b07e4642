"""The page in a real browser, in front of an endpoint whose functions the tests make fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.console.running import ROOT, Running
from tests.stepfunctions.endpoint import Endpoint, wait_until
from tests.stepfunctions.fake_aws import FakeAws, function_arn

pytestmark = pytest.mark.slow

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")


class BrokerUnavailable(Exception):
    """Tried again."""


class OrderRejected(Exception):
    """Caught."""


def wave(legs: int) -> dict[str, Any]:
    """A machine with a retried task, a Map over legs, one of which is rejected and caught, and a long wait."""
    place = {
        "Type": "Task",
        "Resource": function_arn("place"),
        "Parameters": {"leg.$": "$.order.leg"},
        "ResultPath": "$.placed",
        "Catch": [{"ErrorEquals": ["OrderRejected"], "ResultPath": "$.trouble", "Next": "Rejected"}],
        "Next": "Placed",
    }
    retry = [{"ErrorEquals": ["BrokerUnavailable"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1.0}]
    return {
        "Plan": {
            "Type": "Task",
            "Resource": function_arn("plan"),
            "Parameters": {"legs": legs},
            "Retry": retry,
            "Next": "Wave",
        },
        "Wave": {
            "Type": "Map",
            "ItemsPath": "$.orders",
            "ItemSelector": {"order.$": "$$.Map.Item.Value"},
            "ItemProcessor": {
                "StartAt": "Place",
                "States": {
                    "Place": place,
                    "Placed": {"Type": "Pass", "End": True},
                    "Rejected": {"Type": "Pass", "End": True},
                },
            },
            "ResultPath": "$.wave",
            "Next": "Hold",
        },
        "Hold": {"Type": "Wait", "Seconds": 3600, "Next": "Done"},
        "Done": {"Type": "Succeed"},
    }


def leg(number: int) -> dict[str, Any]:
    symbol = f"BANKNIFTY26NOV{56000 + 100 * number}CE"
    return {"leg": number, "slice": 1, "attempt": 1, "side": "SELL", "symbol": symbol, "account": "ZA1234"}


@pytest.fixture
def functions(aws: FakeAws) -> Iterator[list[int]]:
    """`plan` fails once; `place` rejects leg 2. The list holds the attempts of `plan`."""
    tries: list[int] = []

    def plan(event: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise BrokerUnavailable("no answer")
        return {"orders": [leg(number) for number in range(1, event["legs"] + 1)]}

    def place(event: Any) -> Any:
        if event["leg"] == 2:
            raise OrderRejected("RMS: margin exceeds")
        return {"outcome": "PLACED"}

    aws.functions["plan"], aws.functions["place"] = plan, place
    yield tries
    aws.functions.clear()


@pytest.fixture
def running(endpoint: Endpoint, functions: list[int]) -> Iterator[str]:
    arn = endpoint.start(wave(40))
    yield arn
    if endpoint.status(arn) == "RUNNING":
        endpoint.client.stop_execution(executionArn=arn)


def node(page: Page, state: str, status: str = "") -> Any:
    return page.locator(f'[data-state="{state}"]' + (f'[data-status="{status}"]' if status else ""))


def test_graph_table_and_events_are_one(page: Page, console: Running, running: str) -> None:
    page.goto(f"{console.url}/execution/{running}")
    expect(node(page, "Hold", "RUNNING")).to_be_visible()
    expect(node(page, "Plan", "SUCCEEDED")).to_contain_text("1 retry")
    expect(node(page, "Place", "CAUGHT")).to_contain_text("×40")
    expect(node(page, "Done", "NONE")).to_be_visible()

    picker = page.get_by_label("Iteration of Wave")
    expect(picker.locator("option")).to_have_count(41)
    picker.select_option(label="✓ Leg 2 · SELL BANKNIFTY26NOV56200CE · ZA1234")
    expect(node(page, "Rejected", "SUCCEEDED")).to_be_visible()
    expect(node(page, "Placed", "NONE")).to_be_visible()

    node(page, "Place").click()
    panel = page.locator(".step-panel")
    expect(panel).to_contain_text("Leg 2 · SELL BANKNIFTY26NOV56200CE · ZA1234")
    expect(panel).to_contain_text("RMS: margin exceeds")
    expect(panel).to_contain_text("A Catch led on from here")
    panel.get_by_role("tab", name="Input").click()
    expect(panel).to_contain_text('"symbol": "BANKNIFTY26NOV56200CE"')
    panel.get_by_role("tab", name="Definition").click()
    expect(panel).to_contain_text('"Next": "Placed"')

    page.get_by_role("tab", name="Table").click()
    chosen = page.locator("tr.is-chosen")
    expect(chosen).to_contain_text("Caught error")
    page.get_by_role("tab", name="Events").click()
    page.get_by_label("Only Place").check()
    expect(page.locator("table.history tbody tr")).to_have_count(5)
    expect(page.locator("table.history")).to_contain_text("LambdaFunctionFailed")

    page.reload()
    expect(page.locator("table.history tbody tr")).to_have_count(5)
    page.get_by_label("Only Place").uncheck()
    page.get_by_role("button", name="Later page").click()
    expect(page.get_by_text("Page 2 of")).to_be_visible()
    page.get_by_label("Kind").select_option("Failed")
    expect(page.get_by_text(re.compile("Page 1 of 1: 2 of"))).to_be_visible()


def test_a_person_stops_redrives_and_starts(
    page: Page, console: Running, endpoint: Endpoint, running: str
) -> None:
    page.goto(f"{console.url}/execution/{running}")
    expect(node(page, "Hold", "RUNNING")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    assert endpoint.status(running) == "RUNNING", "it asks first"
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator(".head")).to_contain_text("Stopped")
    expect(node(page, "Hold", "ABORTED")).to_be_visible()

    page.locator(".actions").get_by_role("button", name="Redrive").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("It goes on at Hold")
    dialog.get_by_role("button", name="Redrive").click()
    expect(node(page, "Hold", "RUNNING")).to_be_visible()
    expect(page.locator(".head")).to_contain_text("redriven once")

    page.get_by_role("button", name="New execution").click()
    dialog.get_by_label("Name, if it should have one").fill("by-hand")
    dialog.get_by_label("Input").fill('{"note": ')
    expect(dialog.get_by_role("button", name="Start it")).to_be_disabled()
    dialog.get_by_label("Input").fill('{"note": 1}')
    dialog.get_by_role("button", name="Start it").click()
    expect(page.get_by_role("heading", name="by-hand")).to_be_visible()
    started = page.evaluate("decodeURIComponent(location.pathname)").removeprefix("/execution/")
    assert endpoint.client.describe_execution(executionArn=started)["input"] == '{"note": 1}'
    page.go_back()
    expect(page.locator(".head")).to_contain_text("redriven once")
    endpoint.client.stop_execution(executionArn=started)


def test_the_list_is_live_and_its_filters_are_in_the_address(
    page: Page, console: Running, endpoint: Endpoint, context: BrowserContext
) -> None:
    states = {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}
    machine = endpoint.create(states)
    event = '{"strategy_id": "listed", "transaction_type": "ENTRY", "scheduled_time": "2026-11-23T03:58:00Z"}'
    name = "listed-20261123-S-ZC1111-ENTRY"
    child = endpoint.client.start_execution(stateMachineArn=machine, name=name)["executionArn"]
    page.goto(f"{console.url}/?strategy=listed")
    rows = page.locator("table.executions tbody tr:not([aria-hidden])")
    expect(rows).to_have_count(1)
    parent = endpoint.client.start_execution(stateMachineArn=machine, input=event)["executionArn"]
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("listed · entry")
    page.get_by_label("Account").select_option("ZC1111")
    expect(rows).to_have_count(1)
    endpoint.client.stop_execution(executionArn=child)
    expect(rows.first).to_contain_text("Stopped")

    other = context.new_page()
    other.goto(page.url)
    expect(other.locator("table.executions tbody tr:not([aria-hidden])")).to_have_count(1)
    other.close()
    page.get_by_label("Date").fill("2026-11-24")
    expect(page.get_by_text("No execution fits these filters.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    assert page.url == f"{console.url}/"
    endpoint.client.stop_execution(executionArn=parent)


def test_the_keyboard_is_enough(page: Page, console: Running, running: str) -> None:
    page.goto(f"{console.url}/?machine=&text={running.rsplit(':', 1)[-1]}")
    expect(page.locator("table.executions a.name")).to_have_count(1)
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    tab_to(page, running.rsplit(":", 1)[-1])
    page.keyboard.press("Enter")
    expect(node(page, "Hold", "RUNNING")).to_be_visible()

    tab_to(page, "Graph")
    page.keyboard.press("ArrowRight")
    expect(page.locator("table.steps")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    tab_to(page, "Plan")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("Wave")
    page.keyboard.press("ArrowDown")
    assert focused(page).startswith("Place")
    page.keyboard.press("Enter")
    expect(page.locator(".step-panel h2")).to_have_text("Place")
    expect(node(page, "Place")).to_have_attribute("aria-pressed", "true")
    tab_to(page, "About")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".step-panel")).to_contain_text('"order"')

    page.get_by_role("button", name="Stop", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused(page) == "Stop", "focus comes back to where it was"


def focused(page: Page) -> str:
    name: str = page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()")
    return name


def tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"Tab never came to {name}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    browser: Browser, console: Running, running: str, theme: Literal["light", "dark"], endpoint: Endpoint
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    wait_until(lambda: len(endpoint.events(running)) > 200)
    rules = {"light": None, "dark": ["color-contrast"]}[theme]  # the rest is the same in both
    with browser.new_context(
        viewport={"width": 1440, "height": 900},
        color_scheme=theme,
        reduced_motion="reduce",
        bypass_csp=True,
    ) as context:
        page = context.new_page()
        found: list[str] = []
        execution = f"{console.url}/execution/{running}"
        page.goto(console.url)
        expect(page.locator("table.executions a.name").first).to_be_visible()
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (dark == "rgb(13, 17, 24)") == (theme == "dark")
        found += violations(page, "list", rules)
        for view in {"light": ("graph", "table", "events"), "dark": ("graph",)}[theme]:
            page.goto(f"{execution}?view={view}&step=2&side=step")
            expect(page.locator(".step-panel h2")).to_be_visible()
            expect(page.locator("#view button").first).to_be_visible()
            found += violations(page, view, rules)
        page.get_by_role("button", name="New execution").click()
        found += violations(page, "dialog", rules)
    assert not found, "\n".join(found)


def violations(page: Page, view: str, rules: list[str] | None) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=Path(AXE))
    options: dict[str, Any] = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{view}: {each['id']} {target['html'][:160]} {target['failureSummary'][:200]}"
        for each in result["violations"]
        if each["impact"] in SERIOUS
        for target in each["nodes"][:3]
    ]
