"""The page, in a real browser: how late it shows an event, how long it takes to load, how much it stutters."""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from localstack.console.browser import browser, executable
from localstack.processes import answers, end
from localstack.site import ROOT, Ports

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
    from playwright.sync_api import Browser, Page

EXECUTIONS = 1000
WAITS = 12
WATCHERS = 3
LOADS = 5
ITEMS = 40
ROLE = "arn:aws:iam::000000000000:role/bench"

Figure = dict[str, object]


def run() -> list[Figure]:
    """The figures; one line that says so where there is no browser or no built page."""
    path = executable()
    if path is None or not (ROOT / "build" / "console" / "index.html").exists():
        why = "no chromium here" if path is None else "the page is not built: make page"
        return [{"name": "console: not measured", "value": "", "unit": "", "reference": why}]
    with _served() as (client, url), browser(path) as opened:
        _fill(client)
        return [*_loading(opened, url), _lateness(opened, url, client), *_stutter(opened, url, client)]


def _figure(name: str, value: float, unit: str, reference: str) -> Figure:
    return {"name": f"console: {name}", "value": value, "unit": unit, "reference": reference}


@contextmanager
def _served() -> Iterator[tuple[SFNClient, str]]:
    """An endpoint and a console on free ports."""
    ports = Ports.free()
    with tempfile.TemporaryDirectory(prefix="bench-console-") as folder:
        endpoint, url = f"http://127.0.0.1:{ports.step_functions}", f"http://127.0.0.1:{ports.console}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environment |= {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "ap-south-1",
        }
        commands = {
            f"{endpoint}/_local/idle": ["stepfunctions", "--port", str(ports.step_functions), "--data", folder],
            f"{url}/": ["console", "--port", str(ports.console), "--endpoint", endpoint],
        }
        processes = [_start(command, environment) for command in commands.values()]
        try:
            for health in commands:
                _wait(lambda health=health: answers(health))
            yield _client(endpoint), url
        finally:
            for process in processes:
                end(process.pid)


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    module, *options = command
    return subprocess.Popen(
        [sys.executable, "-m", f"localstack.{module}", *options],
        cwd=ROOT,
        env=environment,
        start_new_session=True,
    )


def _client(endpoint: str) -> SFNClient:
    return boto3.client(
        "stepfunctions",
        endpoint_url=endpoint,
        region_name="ap-south-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def _wait(ready: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("a process of the benchmark did not start")
        time.sleep(0.05)


def _machine(client: SFNClient, name: str, states: dict[str, Any]) -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    return client.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]


def _fill(client: SFNClient) -> None:
    """As many executions as the list is measured with, named as AccountBasket's are."""
    machine = _machine(client, "algo-AccountBasket", {"Only": {"Type": "Pass", "End": True}})

    def start(number: int) -> None:
        name = f"strategy-{number % 40}-20261123-M{number}-ZA{number % 7:04}-ENTRY"
        client.start_execution(stateMachineArn=machine, name=name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(start, range(EXECUTIONS)))


def _loading(opened: Browser, url: str) -> list[Figure]:
    """From the address to the list on the screen; the first time the server knows nothing either."""
    times = []
    for _ in range(LOADS):
        context = opened.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
        page = context.new_page()
        page.goto(url, wait_until="commit")
        page.wait_for_function(
            f"document.querySelector('[role=status]')?.textContent.includes('{EXECUTIONS:,} exec')"
            " && document.querySelectorAll('table.executions a.name').length > 10",
            polling="raf",
        )
        times.append(page.evaluate("performance.now()") / 1000)
        context.close()
    return [
        _figure(
            f"load with {EXECUTIONS:,} executions, first time", round(times[0], 2), "s", "to hold: under 1 s"
        ),
        _figure(
            f"load with {EXECUTIONS:,} executions, median of {LOADS}",
            round(statistics.median(times), 2),
            "s",
            "",
        ),
    ]


_OBSERVE = """() => {
  window.shown = {};
  const look = () => {
    for (const node of document.querySelectorAll('[data-state]'))
      if (node.dataset.status !== 'NONE') window.shown[node.dataset.state] ??= Date.now() / 1000;
    requestAnimationFrame(look);
  };
  look();
}"""


def _lateness(opened: Browser, url: str, client: SFNClient) -> Figure:
    """From an event's own time to the frame in which the graph shows it."""
    names = [f"Wait{number}" for number in range(WAITS)]
    states: dict[str, Any] = {
        name: {"Type": "Wait", "Seconds": 1, "Next": after} for name, after in itertools.pairwise(names)
    }
    machine = _machine(client, "ticking", {**states, names[-1]: {"Type": "Wait", "Seconds": 1, "End": True}})
    watched: list[tuple[Page, str]] = []
    for _ in range(WATCHERS):
        arn = client.start_execution(stateMachineArn=machine)["executionArn"]
        page = opened.new_page()
        page.goto(f"{url}/execution/{arn}")
        page.wait_for_selector('[data-state="Wait0"]')
        page.evaluate(_OBSERVE)
        watched.append((page, arn))
        time.sleep(0.37)  # so that they do not tick together
    late: list[float] = []
    for page, arn in watched:
        page.wait_for_selector(
            f'[data-state="{names[-1]}"][data-status="SUCCEEDED"]', timeout=(WAITS + 20) * 1000
        )
        late += _delays(page, client, arn)
        page.close()
    p95 = statistics.quantiles(late, n=20)[-1]
    return _figure(f"event to page, p95 of {len(late)}", round(p95, 2), "s", "to hold: under 1 s")


def _delays(page: Page, client: SFNClient, arn: str) -> list[float]:
    shown: dict[str, float] = page.evaluate("window.shown")
    events = client.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    entered = {
        event["stateEnteredEventDetails"]["name"]: event["timestamp"].timestamp()
        for event in events
        if "stateEnteredEventDetails" in event
    }
    return [shown[name] - at for name, at in list(entered.items())[2:]]  # the first ones came before the page


_LONG_TASKS = """buffered => {
  window.blocks = [0];
  new PerformanceObserver(list => list.getEntries().forEach(e => window.blocks.push(e.duration)))
    .observe({type: 'longtask', buffered});
}"""


def _stutter(opened: Browser, url: str, client: SFNClient) -> Iterator[Figure]:
    """The longest time the page answered nobody."""
    page = opened.new_page(viewport={"width": 1440, "height": 900})
    page.goto(url)
    page.wait_for_selector("table.executions a.name")
    page.evaluate(_LONG_TASKS, False)
    for step in range(60):
        page.evaluate(f"document.querySelector('.table-box').scrollTop = {step * 850}")
        page.wait_for_timeout(16)
    yield _figure(
        f"longest block, scrolling {EXECUTIONS:,} rows", _longest(page), "ms", "to hold: under 100 ms"
    )

    inside = {"StartAt": "A", "States": {n: {"Type": "Pass", "Next": chr(ord(n) + 1)} for n in "ABCDEFGHI"}}
    inside["States"]["J"] = {"Type": "Pass", "End": True}  # type: ignore[index]
    each = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inside, "End": True}
    machine = _machine(client, "forty", {"Each": each})
    items = json.dumps(
        {"items": [{"leg": n, "symbol": f"NIFTY{n}", "account": "ZA1234"} for n in range(ITEMS)]}
    )
    arn = client.start_execution(stateMachineArn=machine, input=items)["executionArn"]
    page.goto(f"{url}/execution/{arn}")
    page.evaluate(_LONG_TASKS, True)
    page.wait_for_selector('[data-state="J"][data-status="SUCCEEDED"]')
    for number in range(1, ITEMS, 4):
        page.get_by_label("Iteration of Each").select_option(index=number)
    page.get_by_role("tab", name="Table").click()
    page.wait_for_selector("table.steps")
    yield _figure(
        f"longest block, a Map of {ITEMS} with 10 states each", _longest(page), "ms", "to hold: under 200 ms"
    )
    page.close()


def _longest(page: Page) -> int:
    page.wait_for_timeout(100)
    return round(float(page.evaluate("Math.max(...window.blocks)")))
