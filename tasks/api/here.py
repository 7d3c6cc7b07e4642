"""Who is asking, and with what a command works. Handlers get it as their first dependency."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Protocol

from brokers.clock import IST, Clock
from tasks.api.problems import Forbidden, Unauthenticated
from tasks.runtime import Executions
from tasks.stores.bundle import Stores

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """`user_id` is Cognito's `sub`, the groups are the pool's."""

    user_id: str
    groups: frozenset[str] = frozenset()
    email: str = ""

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.groups

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Caller:
        """From the claims that the JWT authorizer has checked.

        Raises
        ------
        Unauthenticated
            If there are none: the route has no authorizer, and nobody may pass by mistake.
        """
        authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
        claims = (authorizer.get("jwt") or {}).get("claims") or {}
        user_id = str(claims.get("sub") or "")
        if not user_id:
            raise Unauthenticated("sign in first")
        return cls(user_id, _groups(claims.get("cognito:groups")), str(claims.get("email") or ""))


def _groups(claim: object) -> frozenset[str]:
    """HTTP APIs give a list claim as text: ``[admin user]``."""
    if isinstance(claim, list):
        return frozenset(map(str, claim))
    return frozenset(str(claim or "").strip("[]").replace(",", " ").split())


class Secrets(Protocol):
    """The broker accounts' secrets, by account, and the egresses' (`tasks.egress.secret_name`).

    Nothing else may hold them.
    """

    def get(self, name: str) -> dict[str, str] | None: ...

    def put(self, name: str, secret: Mapping[str, str]) -> None: ...

    def delete(self, name: str) -> None: ...


class Logins(Protocol):
    """A broker's own login."""

    def address(self, account: str, secret: Mapping[str, str], *, state: str, callback: str) -> str: ...

    def complete(self, account: str, secret: Mapping[str, str], request_token: str) -> dict[str, str]:
        """The secret with the day's session. Raises the broker's errors."""


@dataclass(frozen=True, slots=True)
class Services:
    stores: Stores
    clock: Clock
    new_id: Callable[[], str]
    executions: Executions
    secrets: Secrets
    logins: Logins
    execution_page: str = ""
    """Where a person looks at an execution, with `{arn}` in it."""
    api_root: str = ""
    """The API's own address, if it can't be told from a request."""


@dataclass(frozen=True, slots=True)
class Here:
    """One request: who asks, at what time, and what it may use."""

    services: Services = field(repr=False)
    caller: Caller
    method: str
    path: str
    now: datetime
    root: str = ""

    @property
    def user_id(self) -> str:
        return self.caller.user_id

    @property
    def today(self) -> date:
        return self.now.astimezone(IST).date()

    @property
    def stores(self) -> Stores:
        return self.services.stores

    def must_be_admin(self) -> None:
        if not self.caller.is_admin:
            raise Forbidden("this is for admins")


def here_of(event: Mapping[str, Any], services: Services) -> Here:
    context = event.get("requestContext") or {}
    http = context.get("http") or {}
    return Here(
        services=services,
        caller=Caller.of(event),
        method=str(http.get("method", "")),
        path=str(event.get("rawPath", "")),
        now=services.clock.now(),
        root=root_of(event, services),
    )


def root_of(event: Mapping[str, Any], services: Services) -> str:
    """The address that this API has for the world."""
    domain = (event.get("requestContext") or {}).get("domainName", "")
    return services.api_root or (f"https://{domain}" if domain else "")


@lru_cache(maxsize=1)
def services() -> Services:
    """The services of this Lambda worker."""
    from tasks.api.aws import services_from_environment  # noqa: PLC0415  (tests run without AWS)

    return services_from_environment(os.environ)
