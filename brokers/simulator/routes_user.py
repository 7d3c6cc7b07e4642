"""Login, session and profile of Kite's REST API."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from brokers.simulator.auth import Account
from brokers.simulator.plumbing import Asked, endpoint, read_form
from brokers.simulator.replies import KiteError, success, timestamp
from brokers.simulator.world import World

PROFILE: dict[str, Any] = {
    "user_type": "individual",
    "broker": "ZERODHA",
    "exchanges": ["NSE", "NFO", "BSE", "BFO"],
    "products": ["CNC", "NRML", "MIS"],
    "order_types": ["MARKET", "LIMIT", "SL", "SL-M"],
    "avatar_url": None,
    "meta": {"demat_consent": "consent"},
}


async def login_page(request: Request) -> Response:
    """`GET /connect/login`: nobody types anything here; the browser is sent on with a request token.

    As at Kite, `redirect_params` (a query string in a query string) go along to the registered address.
    """
    world: World = request.app.state.world
    asked = request.query_params
    try:
        token = world.sessions.request_token(asked.get("api_key", ""))
    except KiteError as error:
        return error.response()
    registered = world.settings.redirect_url.replace("{account}", world.sessions.owner(asked["api_key"]))
    target = asked.get("redirect_url") or registered or str(request.url_for("logged_in"))
    query = {"action": "login", "type": "login", "status": "success", "request_token": token}
    query |= {
        name: value for name, value in parse_qsl(asked.get("redirect_params", "")) if f"{name}=" not in target
    }
    return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{urlencode(query)}", 302)


async def logged_in(request: Request) -> Response:
    """Where the login leads when nobody gave a redirect URL: shows the request token."""
    return success({"request_token": request.query_params.get("request_token", "")})


async def open_session(request: Request) -> Response:
    """`POST /session/token`: the request token against an access token, good until 06:00 IST."""
    world: World = request.app.state.world
    form = await read_form(request)
    now = world.now()
    try:
        account, token = world.sessions.exchange(
            form.get("api_key", ""), form.get("request_token", ""), form.get("checksum", ""), now
        )
    except KiteError as error:
        return error.response()
    session = {
        **_profile(account),
        "api_key": account.api_key,
        "access_token": token,
        "public_token": token[::-1],
        "enctoken": "",
        "refresh_token": "",
        "silo": "",
        "login_time": timestamp(now),
    }
    return success(session)


async def close_session(request: Request) -> Response:
    """`DELETE /session/token`: logs out."""
    world: World = request.app.state.world
    world.sessions.close(request.query_params.get("access_token", ""))
    return success(data=True)


def profile(asked: Asked) -> Response:
    return success(_profile(asked.account))


def _profile(account: Account) -> dict[str, Any]:
    name = {"user_id": account.user_id, "user_name": account.user_id, "user_shortname": account.user_id}
    return {**name, "email": f"{account.user_id.lower()}@example.invalid", **PROFILE}


ROUTES = [
    Route("/connect/login", login_page),
    Route("/connect/logged-in", logged_in, name="logged_in"),
    Route("/session/token", open_session, methods=["POST"]),
    Route("/session/token", close_session, methods=["DELETE"]),
    Route("/user/profile", endpoint("profile", profile)),
    Route("/user/profile/full", endpoint("profile", profile)),
]
