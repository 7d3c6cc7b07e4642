"""Zerodha's side of the conformance suite: its adapter against `brokers.simulator`, in a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from brokers.clock import IST, SystemClock
from brokers.model import BrokerOrder, Exchange, Instrument, Right
from brokers.protocol import Broker
from brokers.zerodha import BadChecksum, Credentials, Zerodha, parse_postback
from tests.brokers.conformance.venue import Mishap, Treatment, eventually

ROOT = Path(__file__).parents[3]
CREDENTIALS = Credentials("ZA1234", "conformancekey", "conformancesecret", "conformancetoken")
OPENING = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
LATE = 20.0

MISHAPS: dict[Mishap, str] = {
    Mishap.HANG_ACCEPTED: "hang_accepted",
    Mishap.HANG_LOST: "hang_lost",
    Mishap.BAD_GATEWAY_ACCEPTED: "bad_gateway_accepted",
    Mishap.BAD_GATEWAY_LOST: "bad_gateway_lost",
    Mishap.TIMED_OUT_ACCEPTED: "timed_out_accepted",
    Mishap.TIMED_OUT_LOST: "timed_out_lost",
    Mishap.GARBLED_ACCEPTED: "broken_json_accepted",
    Mishap.GARBLED_LOST: "broken_json_lost",
    Mishap.CLOSED_ACCEPTED: "drop_accepted",
    Mishap.CLOSED_LOST: "drop_lost",
    Mishap.RATE_LIMITED: "too_many_requests",
}
TREATMENTS: dict[Treatment, dict[str, object]] = {
    Treatment.REJECT: {"kind": "reject", "reason": "Insufficient funds"},
    Treatment.HALF_FILLED: {"kind": "partial", "share": 0.5},
    Treatment.SHOWN_LATE: {"kind": "invisible", "seconds": LATE},
    Treatment.CANCEL_COMES_LATE: {"kind": "cancel_loses"},
}


class _Inbox(BaseHTTPRequestHandler):
    """Keeps every body that is posted, by path."""

    bodies: dict[str, list[bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@dataclass
class ZerodhaVenue:
    url: str
    offset_file: Path
    inbox_url: str
    bodies: dict[str, list[bytes]]
    case: int = 0

    secrets: Sequence[str] = CREDENTIALS.secrets
    refusal: type[Exception] = BadChecksum

    def begin(self) -> None:
        """Empty the exchange for the next case."""
        self.case += 1
        self._admin("POST", "reset")
        settings = {"limits": False, "registered_ips": {}, "postback_url": f"{self.inbox_url}/{self.case}"}
        self._admin("PUT", "settings", settings)
        self._admin("POST", "login", {"account": "ZA1234", "access_token": CREDENTIALS.access_token})

    @property
    def clock(self) -> SystemClock:
        return SystemClock(self.offset_file)

    @cached_property
    def option(self) -> Instrument:
        """The call of NIFTY's second expiry that is nearest to the money."""
        broker = self.broker()
        listed = [one for one in broker.instruments(Exchange.NFO) if one.underlying == "NIFTY"]
        expiry = sorted({one.expiry for one in listed if one.right is Right.CE})[1]
        spot = broker.quotes(["NSE:NIFTY 50"])["NSE:NIFTY 50"].last
        calls = [one for one in listed if one.expiry == expiry and one.right is Right.CE]
        return min(calls, key=lambda one: abs(one.strike - spot))

    def broker(self, *, reachable: bool = True, dead_proxy: bool = False) -> Broker:
        return Zerodha(
            CREDENTIALS,
            clock=self.clock,
            root=self.url if reachable else nobody(),
            proxy_url=nobody() if dead_proxy else None,
        )

    def end_session(self) -> None:
        self._admin("POST", "expire-token", {"account": "ZA1234"})

    def mishap(self, kind: Mishap, request: str = "place") -> None:
        if kind is Mishap.ADDRESS_REFUSED:
            self._admin("PUT", "settings", {"registered_ips": {"ZA1234": ["203.0.113.7"]}})
        else:
            self._admin("POST", "faults", {"kind": MISHAPS[kind], "request": request})

    def treat(self, kind: Treatment) -> None:
        self._admin("POST", "faults", TREATMENTS[kind])

    def let_time_pass(self, seconds: float) -> None:
        set_offset(self.offset_file, self.clock.offset() + seconds)
        self._call("POST", "/_local/clock")

    def ledger(self) -> Sequence[str]:
        return [str(order["tag"]) for order in self._admin("GET", "ledger")["orders"]]

    def updates(self) -> Sequence[bytes]:
        return list(self.bodies.get(f"/{self.case}", ()))

    def understand(self, body: bytes) -> BrokerOrder:
        update = parse_postback(body, CREDENTIALS.api_secret)
        assert update.account == "ZA1234"
        return update.order

    def understand_with_another_secret(self, body: bytes) -> BrokerOrder:
        return parse_postback(body, "another secret").order

    def spoil(self, body: bytes) -> bytes:
        return json.dumps(json.loads(body) | {"checksum": "0" * 64}).encode()

    def _admin(self, method: str, path: str, body: object = None) -> Any:
        return self._call(method, f"/_sim/{path}", body)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, self.url + path, json=body, timeout=5)
        answer.raise_for_status()
        return answer.json()


def nobody() -> str:
    """An address of this machine where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def set_offset(path: Path, seconds: float) -> None:
    """Replace the clock's file in one step, as the conductor does."""
    new = path.with_suffix(".new")
    new.write_text(repr(seconds))
    new.replace(path)


@contextmanager
def zerodha_venue(folder: Path) -> Iterator[ZerodhaVenue]:
    """The simulator at 10:00 on a trading day, and an inbox for its postbacks."""
    offset_file = folder / "clock"
    set_offset(offset_file, (OPENING - SystemClock().now()).total_seconds())
    bodies: dict[str, list[bytes]] = {}
    inbox = type("Inbox", (_Inbox,), {"bodies": bodies})
    with ThreadingHTTPServer(("127.0.0.1", 0), inbox) as mail:
        threading.Thread(target=mail.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{free_port()}"
        with _simulator(url, offset_file):
            yield ZerodhaVenue(url, offset_file, f"http://127.0.0.1:{mail.server_port}", bodies)
        mail.shutdown()


@contextmanager
def _simulator(url: str, offset_file: Path) -> Iterator[None]:
    account = f"ZA1234:{CREDENTIALS.api_key}:{CREDENTIALS.api_secret}:{CREDENTIALS.access_token}"
    process = subprocess.Popen(
        [sys.executable, "-m", "brokers.simulator", "--port", url.rpartition(":")[2], "--account", account],
        cwd=ROOT,
        env=os.environ | {"ALGO_CLOCK": str(offset_file)},
    )
    try:
        eventually(lambda: _answers(process, url))
        yield
    finally:
        process.terminate()
        process.wait(10)


def _answers(process: subprocess.Popen[bytes], url: str) -> bool | None:
    assert process.poll() is None, "the simulator did not start"
    with suppress(requests.ConnectionError):
        return requests.get(f"{url}/_sim/idle", timeout=1).ok
    return None
