"""The request that is being answered, as handlers depend on it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated

from aws_lambda_powertools.event_handler import Depends
from aws_lambda_powertools.event_handler.api_gateway import Router

from tasks.api.here import Here

_current: ContextVar[Here] = ContextVar("here")


def enter(here: Here) -> None:
    _current.set(here)


def here() -> Here:
    return _current.get()


Asking = Annotated[Here, Depends(here)]
"""The first parameter of every handler."""


def routes() -> Router:
    """An empty list of routes, for one resource."""
    return Router()  # type: ignore[no-untyped-call]
