"""`algo sign-in --browser` against the local user pool: the code flow with PKCE, page, form, redirect and all.

The pool's page and its token endpoint are the emulator's. What it can't show: Cognito's own page and its
cookies, and a second factor on the page.
"""

from __future__ import annotations

import re
import socket
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from localstack.people import connection
from tasks.cli.config import Config
from tasks.cli.errors import SignInRefused
from tasks.cli.identity import SIGNED_IN, CodeFlow
from tasks.cli.main import main
from tests.story.play import PASSWORD, Story

pytestmark = [pytest.mark.slow, pytest.mark.platform]

_FIELD = re.compile(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"')
SECONDS = 30


@dataclass
class Browser:
    """Opens the sign-in page, fills the form in, and goes where it is sent."""

    email: str
    password: str
    seen: list[str] = field(default_factory=list)
    pages: list[requests.Response] = field(default_factory=list)

    def open(self, address: str) -> bool:
        """As `webbrowser.open`: at once, and the page comes later."""
        Thread(target=self._sign_in, args=(address,), daemon=True).start()
        return True

    def code(self, address: str) -> dict[str, str]:
        """What the form is answered with, not followed: the query that our own page would get."""
        answer = self._submit(address)
        return {
            name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()
        }

    def _sign_in(self, address: str) -> None:
        answer = self._submit(address)
        self.seen.append(answer.headers["Location"])
        self.pages.append(requests.get(answer.headers["Location"], timeout=SECONDS))

    def _submit(self, address: str) -> requests.Response:
        page = requests.get(address, timeout=SECONDS)
        page.raise_for_status()
        fields = {name: unescape(value) for name, value in _FIELD.findall(page.text)}
        filled_in = {**fields, "username": self.email, "password": self.password}
        return requests.post(urljoin(address, "/login"), data=filled_in, timeout=SECONDS, allow_redirects=False)


@pytest.fixture
def config(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("ALGO_CONFIG_DIR", str(tmp_path / "algo"))
    assert main(["connect", "--local", "--aws-url", story.platform.site.aws_url]) == 0
    return Config.of()


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield


def test_a_browser_signs_in_and_the_token_is_good(
    story: Story, config: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = Browser(story.asha.email, PASSWORD)
    monkeypatch.setattr(webbrowser, "open", browser.open)
    assert main(["sign-in", "--browser"]) == 0
    assert f"Signed in as {story.asha.email}" in capsys.readouterr().out
    (came_back,) = browser.seen
    assert came_back.startswith(f"{SIGNED_IN}?")
    assert main(["whoami", "--get", "user_id"]) == 0
    assert capsys.readouterr().out.strip() == story.asha.user_id
    said = (config.folder / "tokens.json").read_text()
    assert parse_qs(urlsplit(came_back).query)["code"][0] not in said
    assert browser.pages[0].text == "Signed in. You can close this page."


def test_a_code_is_good_once_and_only_with_the_verifier_that_asked_for_it(story: Story) -> None:
    """Somebody who reads the redirect over one's shoulder has the code and not the verifier."""
    at = connection(story.platform)
    flow, thief = CodeFlow.begin(at), CodeFlow.begin(at)
    browser = Browser(story.asha.email, PASSWORD)
    stolen = browser.code(flow.address)
    with pytest.raises(SignInRefused, match="code was not accepted"):
        thief.trade({**stolen, "state": thief.state})
    came_back = browser.code(flow.address)
    assert flow.trade(came_back).email == story.asha.email
    with pytest.raises(SignInRefused, match="code was not accepted"):
        flow.trade(came_back)


def test_a_wrong_password_gives_no_code(story: Story) -> None:
    at = connection(story.platform)
    answer = Browser(story.asha.email, "Wrong-Password-7!")._submit(CodeFlow.begin(at).address)
    assert (answer.status_code, answer.headers.get("Location")) == (200, None)


@pytest.mark.usefixtures("config")
def test_a_port_that_is_taken_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    with taken(urlsplit(SIGNED_IN).port or 80):
        assert main(["sign-in", "--browser"]) == 1
    assert "--email" in capsys.readouterr().err
