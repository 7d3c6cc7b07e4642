"""A broker's daily login: the address to open, and the callback that exchanges the request token.

The state that travels through the broker's page is signed with the account's own secret, so the callback needs
no token of ours and nobody else can make one. A request token is good for one exchange, and the broker says
who logged in: another person's login is refused.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, time, timedelta

from brokers.clock import IST
from brokers.errors import BrokerError, RequestRefused, TokenExpired
from tasks.api.answers import LoginAddress
from tasks.api.here import Here, Services
from tasks.api.problems import Conflict, Forbidden, NotFound, Unavailable
from tasks.domain import items
from tasks.domain.stored import content, stored, version_of
from tasks.stores.ports import Change

ENDS_AT = time(6, 0)
"""IST. Kite ends every session at six in the morning."""

OPEN_FOR = timedelta(minutes=10)
_RACES = 6


def login_address(here: Here, account: str) -> LoginAddress:
    secret = here.services.secrets.get(account)
    if secret is None:
        raise Conflict("its key and secret are not here: link it again")
    expires_at = here.now + OPEN_FOR
    state = sign(secret, account, int(expires_at.timestamp()), here.services.new_id())
    callback = f"{here.root}/callback/{account}"
    address = here.services.logins.address(account, secret, state=state, callback=callback)
    return LoginAddress(account=account, address=address, expires_at=expires_at)


def sign(secret: dict[str, str], account: str, expires: int, nonce: str) -> str:
    said = f"{account}.{expires}.{nonce}"
    mac = hmac.new(secret["api_secret"].encode(), said.encode(), hashlib.sha256).hexdigest()[:40]
    return f"{expires}.{nonce}.{mac}"


def log_in(services: Services, account: str, state: str, request_token: str) -> datetime:
    """Exchange the request token; until when the session is good.

    Raises
    ------
    NotFound, Forbidden
        If nobody asked for this login.
    Conflict
        If the broker refuses the token, or somebody else logged in.
    Unavailable
        If the broker did not answer.
    """
    holder = services.stores.catalog.get(items.ACCOUNT_OWNERS, account)
    secret = services.secrets.get(account) if holder else None
    if holder is None or secret is None:
        raise NotFound("nobody asked for this login")
    now = services.clock.now()
    _check(secret, account, state, now)
    try:
        renewed = services.logins.complete(account, secret, request_token)
    except (TokenExpired, RequestRefused):
        raise Conflict("the broker refused this login: start again, as the account's owner") from None
    except BrokerError:
        raise Unavailable("the broker did not answer: start the login again") from None
    services.secrets.put(account, renewed)
    until = session_end(now)
    _note(services, str(holder["user_id"]), account, now, until)
    return until


def session_end(now: datetime) -> datetime:
    """The next six o'clock in the morning, IST."""
    local = now.astimezone(IST)
    today = datetime.combine(local.date(), ENDS_AT, IST)
    return today if local < today else today + timedelta(days=1)


def _check(secret: dict[str, str], account: str, state: str, now: datetime) -> None:
    expires, _, rest = state.partition(".")
    nonce, _, _ = rest.partition(".")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        raise Forbidden("nobody asked for this login")
    if not hmac.compare_digest(sign(secret, account, int(expires), nonce).encode(), state.encode()):
        raise Forbidden("nobody asked for this login")
    if now.timestamp() > int(expires):
        raise Forbidden("this login took too long: start again")


def _note(services: Services, user_id: str, account: str, now: datetime, until: datetime) -> None:
    """Write to the catalog until when the session is good."""
    for _ in range(_RACES):
        before = services.stores.catalog.get(user_id, items.account(account))
        if before is None:
            raise NotFound("nobody asked for this login")
        fields = {**content(before), "valid_until": until.isoformat(), "logged_in_at": now.isoformat()}
        document = stored(fields, before=before, at=now)
        change = Change(user_id, items.account(account), document, version_of(before))
        if not services.stores.catalog.commit([change]):
            return
    raise Conflict("others are changing this account at this moment: try again")


def page(account: str, until: datetime) -> str:
    """What the browser shows. `account` has passed the rule for account ids."""
    end = f"{until.astimezone(IST):%d %b %Y %H:%M} IST"
    return (
        "<!doctype html><meta charset=utf-8><title>Logged in</title>"
        f"<p>{account} is logged in until {end}. You can close this page.</p>"
    )
