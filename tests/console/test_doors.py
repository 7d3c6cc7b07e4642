"""Nothing is done by a GET, a reload or a foreign page; nothing is read under another host's name."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import pytest
import requests

from tests.console.running import Running
from tests.stepfunctions.endpoint import Endpoint

pytestmark = pytest.mark.slow

SECRET = "AQ" + "sEcReT0kEn" * 9


class Visitor:
    """A browser, as far as HTTP goes: it has loaded the page, and so has a cookie and a token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        text = self.session.get(f"{url}/", timeout=5).text
        found = re.search(r'name="setup" content="([^"]*)"', text)
        assert found
        self.setup: dict[str, Any] = json.loads(html.unescape(found[1]))
        self.headers = {
            "Origin": url,
            "Content-Type": "application/json",
            "X-Console-Token": self.setup["token"],
            "Sec-Fetch-Site": "same-origin",
        }

    def post(self, action: str, body: dict[str, Any], **changed: str | None) -> requests.Response:
        headers = {k: v for k, v in {**self.headers, **changed}.items() if v is not None}
        return self.session.post(
            f"{self.url}/api/actions/{action}", data=json.dumps(body), headers=headers, timeout=10
        )


@pytest.fixture
def visitor(console: Running) -> Visitor:
    return Visitor(console.url)


@pytest.fixture
def waiting(endpoint: Endpoint) -> str:
    return endpoint.start({"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}})


def test_the_page_itself_may_stop_and_start(visitor: Visitor, waiting: str, endpoint: Endpoint) -> None:
    assert visitor.post("stop", {"arn": waiting}).json()["say"] == "Stopped."
    assert endpoint.status(waiting) == "ABORTED"
    assert visitor.post("redrive", {"arn": waiting}).status_code == 200
    assert endpoint.status(waiting) == "RUNNING"
    again = visitor.post("redrive", {"arn": waiting})
    assert (again.status_code, again.json()["error"]) == (409, "ExecutionNotRedrivable")
    visitor.post("stop", {"arn": waiting})


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "http://evil.example"},
        {"Origin": None},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"X-Console-Token": None},
        {"X-Console-Token": "0" * 64},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Cookie": "console-session=somebody-elses"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8085"},
    ],
)
def test_anybody_else_is_refused(
    visitor: Visitor, waiting: str, endpoint: Endpoint, changed: dict[str, str | None]
) -> None:
    answer = visitor.post("stop", {"arn": waiting}, **changed)
    assert (answer.status_code, answer.json()["error"]) == (403, "NotAllowed")
    assert endpoint.status(waiting) == "RUNNING"


def test_no_get_does_anything(visitor: Visitor, waiting: str, endpoint: Endpoint) -> None:
    for action in ("stop", "redrive", "start", "login"):
        answer = visitor.session.get(f"{visitor.url}/api/actions/{action}", params={"arn": waiting}, timeout=5)
        assert answer.status_code == 405
    assert endpoint.status(waiting) == "RUNNING"


def test_reads_answer_to_our_own_name_only_and_to_no_other_origin(console: Running) -> None:
    answer = requests.get(f"{console.url}/api/executions", headers={"Host": "rebound.example"}, timeout=5)
    assert answer.status_code == 403
    answer = requests.get(f"{console.url}/api/executions", headers={"Origin": "http://evil.example"}, timeout=5)
    assert "access-control-allow-origin" not in answer.headers
    page = requests.get(f"{console.url}/", timeout=5)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "samesite=strict" in page.headers["set-cookie"].lower()


def test_bad_input_gets_a_clear_answer(visitor: Visitor, endpoint: Endpoint) -> None:
    machine = endpoint.create({"Only": {"Type": "Pass", "End": True}})
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("start", {"machine": machine, "input": "{"}, "input: not JSON"),
        ("start", {"machine": machine, "input": "{}", "name": "a b"}, "name: "),
        ("start", {"machine": machine, "input": '{"token": "••••••"}'}, "masked secret"),
        ("start", {"machine": machine}, "input: expected text"),
        ("stop", {}, "arn: expected text"),
        ("login", {"account": "ZA1234"}, "log in at the broker"),
    ]
    for action, body, says in cases:
        answer = visitor.post(action, body)
        assert answer.status_code == 400
        assert says in answer.json()["message"]
    too_long = visitor.post("start", {"machine": machine, "input": json.dumps("x" * 600_000)})
    assert too_long.status_code == 400
    nobody = {"arn": f"{machine.replace(':stateMachine:', ':execution:')}:nobody"}
    assert requests.get(f"{visitor.url}/api/execution", params=nobody, timeout=5).status_code == 404
    assert requests.get(f"{visitor.url}/api/execution/step", params={"arn": "x"}, timeout=5).status_code == 400


def test_no_secret_leaves_the_server(visitor: Visitor, endpoint: Endpoint) -> None:
    states = {
        "Hand": {
            "Type": "Pass",
            "Result": {"token": SECRET, "deep": json.dumps({"access_token": SECRET})},
            "End": True,
        }
    }
    arn = endpoint.start(states, {"note": f"token {SECRET}"})
    endpoint.finish(arn)
    told = ""
    for path in ("execution", "execution/events", "execution/family", "execution/trade"):
        told += visitor.session.get(f"{visitor.url}/api/{path}", params={"arn": arn}, timeout=5).text
    told += visitor.session.get(
        f"{visitor.url}/api/execution/step", params={"arn": arn, "step": "2"}, timeout=5
    ).text
    assert "Hand" in told
    assert SECRET not in told
    assert visitor.session.get(f"{visitor.url}/api/executions", timeout=5).text.count(SECRET) == 0


def test_news_comes_by_itself(visitor: Visitor, endpoint: Endpoint) -> None:
    """The stream tells a step within a second of its event."""
    arn = endpoint.start({"Wait": {"Type": "Wait", "Seconds": 1, "End": True}})
    url = f"{visitor.url}/api/execution/stream"
    with visitor.session.get(url, params={"arn": arn}, stream=True, timeout=10) as stream:
        for line in stream.iter_lines():
            if line.startswith(b"data: ") and json.loads(line[6:])["execution"]["status"] == "SUCCEEDED":
                late = time.time() - json.loads(line[6:])["execution"]["stop"]
                break
    assert late < 1.0
