"""The API over memory: requests as an HTTP API makes them, and read-models that follow as on the platform."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from brokers.clock import IST, FixedClock
from brokers.errors import BrokerError
from tasks.api.handler import respond
from tasks.api.here import Services
from tasks.domain.changes import Change, aggregate_of, events_of
from tasks.project_events import project
from tasks.record_events import record
from tasks.runtime import Runtime
from tasks.stores.memory import memory_stores

MORNING = datetime(2026, 11, 23, 8, 30, tzinfo=IST)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=IST)

SECRET = "canary-secret-9f3b"

STRADDLE: dict[str, Any] = {
    "name": "Straddle",
    "underlying": "BANKNIFTY",
    "entry_time": "09:30",
    "exit_time": "15:15",
    "weekdays": ["MON", "WED", "FRI"],
    "dte": 0,
    "transaction_type": "SELL",
    "legs": [
        {"right": "CE", "lots": 1, "strike": "ATM"},
        {"right": "PE", "lots": 1, "strike": "ATM"},
    ],
}


@dataclass
class FakeExecutions:
    started: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    redriven: list[str] = field(default_factory=list)

    def start(self, machine: str, name: str, document: dict[str, Any]) -> tuple[str, str]:
        if name in self.failed:
            self.failed.discard(name)
            self.redriven.append(name)
            return self.arn(machine, name), "REDRIVEN"
        if name in self.started:
            return self.arn(machine, name), "RUNNING"
        self.started[name] = document
        return self.arn(machine, name), "STARTED"

    def arn(self, machine: str, name: str) -> str:
        return f"arn:aws:states:ap-south-1:000000000000:execution:algo-{machine}:{name}"


@dataclass
class FakeSecrets:
    kept: dict[str, dict[str, str]] = field(default_factory=dict)
    broken: bool = False

    def get(self, account: str) -> dict[str, str] | None:
        return self.kept.get(account)

    def put(self, account: str, secret: Any) -> None:
        if self.broken:
            raise RuntimeError("secrets are down")
        self.kept[account] = dict(secret)

    def delete(self, account: str) -> None:
        self.kept.pop(account, None)


@dataclass
class FakeLogins:
    broken: BrokerError | None = None
    exchanged: list[str] = field(default_factory=list)

    def address(self, account: str, secret: Any, *, state: str, callback: str) -> str:
        return f"https://broker.test/login?{urlencode({'state': state, 'back': callback})}"

    def complete(self, account: str, secret: Any, request_token: str) -> dict[str, str]:
        if self.broken:
            raise self.broken
        self.exchanged.append(request_token)
        return {**secret, "access_token": f"token-{len(self.exchanged)}"}


@dataclass
class Answer:
    status: int
    body: Any
    headers: dict[str, str]
    text: str


class World:
    """The platform without AWS. `project` is what RecordEvents and ProjectEvents do."""

    def __init__(self, now: datetime = MORNING) -> None:
        self.clock = FixedClock(now)
        self.stores = memory_stores()
        self.executions = FakeExecutions()
        self.secrets = FakeSecrets()
        self.logins = FakeLogins()
        ids = count(1)
        self.services = Services(
            stores=self.stores,
            clock=self.clock,
            new_id=lambda: f"id{next(ids)}",
            executions=self.executions,
            secrets=self.secrets,
            logins=self.logins,
            execution_page="https://console.test/{arn}",
            api_root="https://api.test",
        )
        self.keys = count(1)
        self._positions = count(1)
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        bus = SimpleNamespace(put=lambda events: None)
        self.runtime = cast(Runtime, SimpleNamespace(stores=self.stores, clock=self.clock, bus=bus))

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def user(self, user_id: str, *groups: str) -> Client:
        return Client(self, user_id, groups)

    def project(self) -> None:
        """Bring the read-models up to the catalog."""
        now = {(owner, item): document for owner, item, document in self.stores.catalog.everything("")}
        for key in {*now, *self._seen}:
            old, new = self._seen.get(key), now.get(key)
            if old != new:
                change = Change("catalog", _image(key, old), _image(key, new))
                if events_of(change):
                    record(change, f"{next(self._positions):021d}", self.runtime)
                    project(aggregate_of(change), self.runtime)
        self._seen = now

    def raw(self, event: dict[str, Any]) -> Answer:
        reply = respond(event, None, self.services)
        self.project()
        text = reply.get("body") or ""
        headers = {name.lower(): value for name, value in (reply.get("headers") or {}).items()}
        is_json = headers.get("content-type", "").startswith("application/json")
        return Answer(int(reply["statusCode"]), json.loads(text) if is_json else text, headers, text)

    def everything_written(self) -> str:
        """All that the tables hold, as text: to look for what must not be there."""
        rows = [
            *self.stores.catalog.everything(""),
            *((row.owner, row.item, row.document) for row in self.stores.views.everything()),
            *(event.model_dump(mode="json") for event in self.stores.events.everything()),
        ]
        return json.dumps(rows, default=str)


def _image(key: tuple[str, str], document: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if document is None else {"owner": key[0], "item": key[1], "document": document}


class Client:
    """One signed-in user. Every POST has an idempotency key of its own unless the test gives one."""

    def __init__(self, world: World, user_id: str, groups: tuple[str, ...] = (), email: str = "") -> None:
        self.world = world
        self.user_id = user_id
        self.groups = groups
        self.email = email

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, query=query)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Answer:
        named = {"idempotency-key": f"key-{next(self.world.keys)}" if key is None else key}
        return self.call("POST", path, body, headers={**named, **_dashed(headers)})

    def put(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("PUT", path, body, headers=_dashed(headers))

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, headers=_dashed(headers))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        text: str | None = None,
    ) -> Answer:
        sent = text if text is not None else (None if body is None else json.dumps(body))
        given = {"content-type": "application/json", **(headers or {})}
        event = http_event(
            method, path, sent, query={k: str(v) for k, v in (query or {}).items()}, headers=given
        )
        claims = {"sub": self.user_id, "cognito:groups": f"[{' '.join(self.groups)}]"}
        claims |= {"email": self.email} if self.email else {}
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
        return self.world.raw(event)


def http_event(
    method: str,
    path: str,
    body: str | None = None,
    *,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An HTTP API's event, payload format 2.0, without an authorizer."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": headers or {},
        "requestContext": {
            "domainName": "api.test",
            "stage": "$default",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = body
    return event


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def linked(world: World, client: Client, account: str, **more: Any) -> None:
    """A broker account of the client, whoever may link."""
    world.user("operator", "admin").put("/platform", {"strangers": True, "empanelment": "NSE/ALGO/1"})
    body = {"account": account, "api_key": f"key{account}", "api_secret": SECRET, **more}
    answer = client.post("/accounts", body)
    assert answer.status == 201, answer.body


def published(world: World, *, accounts: tuple[str, ...] = ()) -> tuple[Client, str, str]:
    """An admin's published straddle: the admin, the basket's id and the strategy's."""
    admin = world.user("admin-1", "admin")
    for account in accounts:
        linked(world, admin, account)
    draft = {**STRADDLE, "accounts": list(accounts)}
    made = admin.post("/baskets", {"name": "Weekly", "kind": "marketplace", "strategies": [draft]})
    assert made.status == 201, made.body
    basket_id = made.body["basket_id"]
    answer = admin.post(f"/baskets/{basket_id}/publish")
    assert answer.status == 200, answer.body
    return admin, basket_id, made.body["strategies"][0]
