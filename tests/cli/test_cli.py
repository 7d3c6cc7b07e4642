"""The program: what it keeps, what it prints, and what it says when something is wrong."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tasks.cli.config import Config, Connection, Tokens
from tasks.cli.errors import NotConnected, NotSignedIn, SignInRefused
from tasks.cli.identity import CodeFlow, Identity
from tasks.cli.main import main

SECRETS = ("secret-id-token", "secret-refresh-token", "Secret-Password-9!", "secret-api-secret")
ORDER = {
    "order_id": "N1", "account": "ZA1234", "side": "SELL", "quantity": 30, "symbol": "BANKNIFTY26NOV56300CE",
    "limit_price": "67.85", "status": "FILLED", "filled_quantity": 30, "average_price": "72.45", "reason": "",
    "claimed_at": "2026-11-23T04:00:01+00:00",
}  # fmt: skip


@dataclass
class Platform:
    """Answers as the API and the user pool do. `answers` are by method and path."""

    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def platform() -> Iterator[Platform]:
    at = Platform()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            body = json.loads(raw) if raw[:1] in (b"{", b"[") else raw.decode()
            target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            name = target or f"{self.command} {urlsplit(self.path).path}"
            at.asked.append((name, dict(self.headers), body))
            status, answer = at.answers.get(name, (404, {"message": "there is nothing at this address"}))
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  (http.server's names)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        at.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield at
        server.shutdown()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> Config:
    """Connected and signed in."""
    monkeypatch.setenv("ALGO_CONFIG_DIR", str(tmp_path / "algo"))
    made = Config.of()
    made.connect(Connection(platform.url, "client", "ap-south-1", f"{platform.url}/", platform.url))
    made.remember(Tokens("asha@example.com", SECRETS[0], SECRETS[1], time.time() + 3600))
    return made


def test_only_its_owner_can_read_the_tokens(config: Config) -> None:
    file = config.folder / "tokens.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.folder.stat().st_mode) == 0o700


def test_another_platform_gets_nobodys_tokens(config: Config) -> None:
    config.connect(Connection("http://elsewhere", "other", "ap-south-1", "http://elsewhere/"))
    with pytest.raises(NotSignedIn):
        config.tokens()


def test_before_anything_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALGO_CONFIG_DIR", str(tmp_path / "nothing"))
    assert main(["orders"]) == 1
    assert "algo connect --local" in capsys.readouterr().err
    with pytest.raises(NotConnected):
        Config.of().connection()


@pytest.mark.usefixtures("config")
def test_json_goes_anywhere_and_one_field_can_be_had(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.answers["GET /orders"] = (200, [ORDER])
    assert main(["--json", "orders"]) == main(["orders", "--json"]) == 0
    out = capsys.readouterr().out
    assert json.loads(out[: len(out) // 2]) == [ORDER]
    assert main(["orders", "--get", "status"]) == 0
    assert capsys.readouterr().out == "FILLED\n"


@pytest.mark.usefixtures("config")
def test_people_get_a_table_in_indian_time(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    platform.answers["GET /orders"] = (200, [ORDER])
    assert main(["orders"]) == 0
    out = capsys.readouterr().out
    assert "09:30:01" in out
    assert "72.45" in out


@pytest.mark.usefixtures("config")
def test_a_refusal_shows_each_reason_and_what_to_do(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = ["strategies[0].legs[0].lots: must be at least 1"]
    platform.answers["POST /subscriptions"] = (422, {"error": "refused", "message": "no", "problems": reasons})
    assert main(["market", "subscribe", "b", "--account", "ZA1234"]) == 1
    assert reasons[0] in capsys.readouterr().err.replace("\n", " ")
    platform.answers["POST /subscriptions"] = (409, {"error": "conflict", "message": "version 3 stands"})
    assert main(["market", "subscribe", "b", "--account", "ZA1234", "--json"]) == 1
    said = json.loads(capsys.readouterr().err)
    assert said["status"] == 409
    assert said["hint"]


@pytest.mark.usefixtures("config")
def test_an_edit_names_the_version_it_saw_and_a_command_its_key(platform: Platform) -> None:
    row = {"label": "", "lot_multiplier": 1, "egress": None, "status": "ACTIVE", "version": 7}
    platform.answers |= {"GET /accounts/ZA1234": (200, row), "PUT /accounts/ZA1234": (200, row)}
    assert main(["account", "change", "ZA1234", "--lots", "3"]) == 0
    _, headers, body = platform.asked[-1]
    assert headers["If-Match"] == '"7"'
    assert len(headers["Idempotency-Key"]) >= 16
    assert body["lot_multiplier"] == 3


def test_a_token_that_ends_is_renewed_by_itself(config: Config, platform: Platform) -> None:
    config.remember(Tokens("asha@example.com", SECRETS[0], SECRETS[1], time.time() - 1))
    platform.answers["GET /orders"] = (200, [])
    platform.answers["InitiateAuth"] = (
        200,
        {"AuthenticationResult": {"IdToken": "renewed", "ExpiresIn": 3600}},
    )
    assert main(["orders"]) == 0
    assert platform.asked[-1][1]["Authorization"] == "Bearer renewed"
    assert config.tokens().refresh_token == SECRETS[1]


def test_a_sign_in_that_is_over_says_so(
    config: Config, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    config.remember(Tokens("asha@example.com", SECRETS[0], SECRETS[1], 0))
    platform.answers["InitiateAuth"] = (400, {"__type": "NotAuthorizedException", "message": "revoked"})
    assert main(["orders"]) == 1
    assert "algo sign-in" in capsys.readouterr().err


def test_a_second_factor_is_asked_for(config: Config, platform: Platform) -> None:
    platform.answers["InitiateAuth"] = (200, {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "s"})
    result = {"IdToken": "i", "RefreshToken": "r", "ExpiresIn": 3600}
    platform.answers["RespondToAuthChallenge"] = (200, {"AuthenticationResult": result})
    tokens = Identity(config.connection()).sign_in("a@example.com", SECRETS[2], lambda: "123456")
    assert tokens.id_token == "i"
    assert platform.asked[-1][2]["ChallengeResponses"]["SOFTWARE_TOKEN_MFA_CODE"] == "123456"


def test_a_platform_that_is_down_is_said_to_be(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    config.connect(Connection("http://127.0.0.1:9", "c", "ap-south-1", "http://127.0.0.1:9/"))
    config.remember(Tokens("asha@example.com", SECRETS[0], SECRETS[1], time.time() + 3600))
    assert main(["orders"]) == 1
    assert "make up" in capsys.readouterr().err


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_no_secret_is_ever_printed(
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: list[str],
) -> None:
    monkeypatch.setenv("ALGO_PASSWORD", SECRETS[2])
    monkeypatch.setenv("ALGO_API_KEY", "key")
    monkeypatch.setenv("ALGO_API_SECRET", SECRETS[3])
    result = {"IdToken": SECRETS[0], "RefreshToken": SECRETS[1], "ExpiresIn": 3600}
    platform.answers |= {
        "InitiateAuth": (200, {"AuthenticationResult": result}),
        "SignUp": (200, {}),
        "POST /accounts": (201, {"account": "ZA1234"}),
        "GET /orders": (500, {"message": "something went wrong on our side"}),
    }
    for words in (
        ["sign-up", "--email", "a@example.com"],
        ["sign-in", "--email", "a@example.com"],
        ["account", "link", "ZA1234"],
        ["orders"],
        ["sign-out"],
    ):
        main([*words, *as_json])
    said = "".join(capsys.readouterr())
    assert said
    assert not [secret for secret in SECRETS if secret in said]


def test_what_is_held_in_memory_does_not_show_it() -> None:
    tokens = Tokens("asha@example.com", SECRETS[0], SECRETS[1], 0)
    assert not [secret for secret in SECRETS if secret in repr(tokens)]


def test_a_browsers_sign_in_proves_that_it_is_ours(config: Config) -> None:
    """RFC 7636: the code is worth nothing without the verifier, which stays here."""
    flow = CodeFlow.begin(config.connection())
    query = parse_qs(urlsplit(flow.address).query)
    assert query["code_challenge_method"] == ["S256"]
    assert flow.verifier not in flow.address
    with pytest.raises(SignInRefused):
        flow.trade({"code": "c", "state": "somebody else's"})


@pytest.mark.parametrize("words", [["nonsense"], ["basket", "create"], ["market", "subscribe", "b"]])
def test_a_command_that_is_not_one_is_misuse(words: list[str]) -> None:
    assert main(words) == 2


SETTINGS = {
    "strangers": True, "empanelment": "NSE/1", "algo_id": "A7", "data_account": "ZA1234", "version": 3,
}  # fmt: skip


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["set", "--data-account", "ZB5678"], {"data_account": "ZB5678"}),
        (["set", "--algo-id", ""], {"algo_id": ""}),
        (["admit", "--empanelment", "NSE/2"], {"empanelment": "NSE/2"}),
        (["close"], {"strangers": False}),
    ],
)
def test_a_setting_is_changed_without_the_others(
    platform: Platform, words: list[str], changed: dict[str, Any]
) -> None:
    platform.answers = {"GET /platform": (200, SETTINGS), "PUT /platform": (200, SETTINGS)}
    assert main(["operator", *words]) == 0
    name, headers, body = platform.asked[-1]
    assert (name, headers["If-Match"]) == ("PUT /platform", '"3"')
    assert body == {name: value for name, value in SETTINGS.items() if name != "version"} | changed


@pytest.mark.usefixtures("config")
def test_an_egress_is_changed_without_asking_for_its_password(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {
        "name": "m",
        "address": "203.0.113.7",
        "proxy": "http://p:1",
        "owner": "",
        "family": [],
        "version": 1,
    }
    platform.answers["PUT /egresses/m"] = (200, row)
    monkeypatch.setenv("ALGO_PROXY_URL", "http://u:canary@p:1")
    assert main(["operator", "egress", "m", "--address", "203.0.113.7"]) == 0
    assert platform.asked[-1][2]["proxy_url"] == "http://u:canary@p:1"
    monkeypatch.delenv("ALGO_PROXY_URL")
    platform.answers |= {"GET /egresses/m": (200, row), "GET /egresses": (200, [row])}
    assert main(["operator", "egress", "m", "--family", "mother"]) == 0
    assert platform.asked[-1][2] == {"address": "203.0.113.7", "family": ["mother"]}
    assert main(["operator", "egresses"]) == 0
    assert "canary" not in capsys.readouterr().out


def test_square_off_wants_to_know_what(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["square-off"]) == 1
    assert "--everything" in capsys.readouterr().err


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["--strategy", "condor", "--leg", "3", "--leg", "1"], "/strategies/condor", {"legs": [3, 1]}),
        (
            ["--strategy", "condor", "--account", "ZA1", "--leg", "3"],
            "/strategies/condor",
            {"legs": [3], "account": "ZA1"},
        ),
        (["--strategy", "condor"], "/strategies/condor", ""),
        (["--account", "ZA1"], "/accounts/ZA1", ""),
        (["--everything", "--stop"], "", {"stop": True}),
    ],
)
def test_square_off_says_what_to_close(words: list[str], path: str, body: Any, platform: Platform) -> None:
    exits = [{"strategy_id": "condor", "account": "ZA1", "legs": [3]}]
    platform.answers[f"POST {path}/square-off"] = 200, {"exits": exits, "called_off": []}
    assert main(["square-off", "--yes", *words]) == 0
    assert (platform.asked[-1][0], platform.asked[-1][2]) == (f"POST {path}/square-off", body)


@pytest.mark.parametrize(
    "words", [["--leg", "2"], ["--leg", "2", "--account", "ZA1"], ["--everything", "--account", "ZA1"]]
)
def test_a_leg_is_one_of_a_strategy(
    words: list[str], config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["square-off", "--yes", *words]) == 1
    assert "--leg" in capsys.readouterr().err


@pytest.mark.usefixtures("config")
def test_the_kill_switch_and_its_release(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"scope": "ACCOUNT", "account": "ZA1", "since": "2026-11-23T04:00:01+00:00", "reason": "enough"}
    closing = [{"strategy_id": "condor", "account": "ZA1", "legs": []}]
    platform.answers |= {
        "POST /kill": (200, {"halts": [row], "open": 1, "exits": closing, "called_off": []}),
        "POST /kill/release": (200, {"halts": []}),
        "GET /kill": (200, {"halts": [row]}),
    }
    assert main(["kill", "--account", "ZA1", "--reason", "enough", "--yes"]) == 0
    assert platform.asked[-1][2] == {"account": "ZA1", "reason": "enough"}
    assert "1 exits: condor in ZA1" in capsys.readouterr().out
    assert main(["halts"]) == 0
    assert "09:30:01" in capsys.readouterr().out
    assert main(["release", "--everyone"]) == 0
    assert platform.asked[-1][2] == {"everyone": True}
    assert main(["kill", "--yes", "--account", "ZA1", "--everyone"]) == 1


def test_the_days_report_is_a_file_that_only_its_owner_reads(
    config: Config, platform: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {
        "trading_date": "2026-11-23",
        "net": "6355.40",
        "gross": "6702.00",
        "charges": "346.60",
        "slippage": "201.00",
        "orders": 10,
        "closed": True,
        "agrees": True,
        "html": "<!doctype html>",
    }
    platform.answers["GET /reports/day"] = (200, told)
    path = tmp_path / "day.html"
    assert main(["report", "day", "--date", "2026-11-23", "--out", str(path)]) == 0
    assert path.read_text() == "<!doctype html>"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = capsys.readouterr().out
    assert "₹6,355.40" in said
    assert "the broker says the same" in said
    assert main(["report", "day", "--out", str(path), "--get", "net"]) == 0
    assert capsys.readouterr().out.strip() == "6355.40"


def test_how_the_report_comes_keeps_the_name(
    config: Config, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    me = {"user_id": "u", "email": "asha@example.com", "name": "Asha", "groups": [], "version": 1}
    platform.answers["GET /profile"] = (200, me)
    platform.answers["PUT /profile"] = (200, me | {"report": "mail"})
    assert main(["report", "deliver", "mail"]) == 0
    assert platform.asked[-1][2] == {"name": "Asha", "report": "mail"}
    assert "asha@example.com" in capsys.readouterr().out
