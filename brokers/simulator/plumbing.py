"""Between HTTP and the exchange: who asks, how often, and what is to go wrong with the reply."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from brokers.simulator.auth import Account
from brokers.simulator.faults import Call
from brokers.simulator.replies import KiteError, bad_input
from brokers.simulator.spoiling import spoiled
from brokers.simulator.world import Request as Entry
from brokers.simulator.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that has passed the door: read, known, counted."""

    world: World
    account: Account
    now: datetime
    request: Request
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The form of the body. Kite's client repeats path fields in it, which does no harm."""
        return parse_form(self.body)

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise bad_input("Invalid JSON in the request.") from None

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])


def parse_form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


async def read_form(request: Request) -> dict[str, str]:
    return parse_form(await request.body())


Act = Callable[[Asked], Response]
Describe = Callable[[Asked], Call]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request.

    Parameters
    ----------
    name
        What switches call it in their `request` pattern.
    act
        Does it, and answers.
    limit
        Which of `limits.LIMITS` counts it.
    describe
        What a request is about, for switches that ask for a symbol, a side or a tag.
    """

    name: str
    act: Act
    limit: str = "other"
    describe: Describe | None = None

    def call(self, asked: Asked) -> Call:
        return self.describe(asked) if self.describe else Call(self.name, asked.account.user_id)


def endpoint(name: str, act: Act, *, limit: str = "other", describe: Describe | None = None) -> Endpoint:
    """A route for logged-in accounts; see `Kind`."""
    kind = Kind(name, act, limit, describe)

    async def serve(request: Request) -> Response:
        world: World = request.app.state.world
        world.in_progress += 1
        try:
            return await _logged(world, request, kind)
        finally:
            world.in_progress -= 1
            world.wake.set()

    return serve


async def _logged(world: World, request: Request, kind: Kind) -> Response:
    """Answer, and write the request into the ledger whatever comes of it."""
    body = await request.body()
    entry = Entry(world.now(), "", request.method, request.url.path)
    world.requests.append(entry)
    try:
        response = await _answer(world, request, body, kind, entry)
    except KiteError as error:
        response = error.response()
    entry.code = response.status_code
    return response


async def _answer(world: World, request: Request, body: bytes, kind: Kind, entry: Entry) -> Response:
    account = world.sessions.check(request.headers.get("authorization", ""), entry.at)
    entry.account = account.user_id
    if kind.limit == "order":
        _check_address(world, account, request)
    if world.settings.limits:
        world.limits.count(kind.limit, account.user_id if kind.limit == "order" else account.api_key, entry.at)
    asked = Asked(world, account, entry.at, request, body)
    fault = world.faults.of_reply(kind.call(asked))
    if fault is None:
        return kind.act(asked)
    entry.fault = fault.kind.value

    def act() -> Response:
        response = kind.act(asked)
        world.wake.set()  # an accepted order goes its way while its client waits for the reply
        return response

    return await spoiled(fault, request, act)


def _check_address(world: World, account: Account, request: Request) -> None:
    """Orders are taken only from the addresses registered for the account; none registered: from anywhere."""
    allowed = world.settings.registered_ips.get(account.user_id)
    address = client_address(request)
    if allowed and address not in allowed:
        raise KiteError(
            403, "PermissionException", f"IP ({address}) is not allowed to place orders for this app."
        )


def client_address(request: Request) -> str:
    """Where the request came from: what a proxy says, or the peer."""
    forwarded = request.headers.get("x-forwarded-for", "")
    peer = request.client.host if request.client else ""
    return forwarded.split(",")[0].strip() or peer
