"""The page as people have it: its server in a process of its own before the endpoint, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from localstack.console.browser import browser as open_browser
from localstack.site import Ports
from tests.console.running import Running, bundle, chromium, start
from tests.stepfunctions.durable import Durable
from tests.stepfunctions.endpoint import Endpoint
from tests.stepfunctions.fake_aws import FakeAws

PATIENCE_MS = 20_000


@pytest.fixture(scope="session")
def aws() -> Iterator[FakeAws]:
    fake = FakeAws()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture(scope="session")
def endpoint(aws: FakeAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    durable = Durable(tmp_path_factory.mktemp("console-endpoint"), aws.url)
    try:
        yield durable.start()
    finally:
        durable.stop()


@pytest.fixture(scope="session")
def console(endpoint: Endpoint) -> Iterator[Running]:
    bundle()
    running = start(Ports.free().console, "--endpoint", endpoint.url)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For a module only: Playwright keeps an event loop in this thread, and other tests run their own."""
    with open_browser(chromium()) as found:
        yield found


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    found = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    found.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose errors fail the test."""
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    assert not errors
