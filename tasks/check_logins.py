"""CheckLogins: which active accounts have no session, and tell their owners: LoginNeeded.

Kite ends every session at 06:00 and offers no login without a person, so each trading day begins with this.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from brokers.errors import BrokerError, TokenExpired
from tasks.contracts import Slot
from tasks.lambda_task import task
from tasks.orderpath.limits import HTTP_TIMEOUT
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="CheckLogins",
    module="tasks.check_logins",
    timeout=120,
    http_timeout=HTTP_TIMEOUT,
    reads=(Table.CATALOG,),
    writes=(Table.CATALOG,),
    scans=(Table.CATALOG,),
    broker=True,
)

_AT_ONCE = 8


class Input(BaseModel):
    trading_date: str
    call: Literal["FIRST", "SECOND"]


class Output(Slot):
    """`ready` names an account that is logged in, "" for none: whose prices the morning may use."""

    checked: int
    missing: int
    ready: str
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    accounts = [
        (owner, document)
        for owner, _, document in rt.stores.catalog.everything("ACCOUNT#")
        if "lot_multiplier" in document and document.get("status", "ACTIVE") == "ACTIVE"
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        reasons = list(pool.map(lambda one: _why_not(one[1], rt), accounts))
    missing = [(*one, why) for one, why in zip(accounts, reasons, strict=True) if why]
    for owner, document, why in missing:
        _call(owner, str(document["account"]), why, request, rt)
    ready = [str(document["account"]) for (_, document), why in zip(accounts, reasons, strict=True) if not why]
    return Output(
        checked=len(accounts), missing=len(missing), ready=min(ready, default=""), reason=_names(missing)
    )


def _why_not(document: dict[str, Any], rt: Runtime) -> str:
    """Why the account can't trade, "" if it can. The broker is asked only where a session may be left."""
    until = document.get("valid_until")
    if until and datetime.fromisoformat(until) <= rt.clock.now():
        return f"the session ended at {until}"
    try:
        rt.brokers.reader(str(document["account"])).check_session()
    except TokenExpired as error:
        return str(error)
    except BrokerError as error:
        return f"the broker did not say whether the session is good: {error}"
    return ""


def _call(owner: str, account: str, why: str, request: Input, rt: Runtime) -> None:
    """Each call once, however often this runs. The catalog's stream makes LoginNeeded of it."""
    item = f"LOGIN#{account}"
    standing = rt.stores.catalog.get(owner, item) or {}
    asked = {"trading_date": request.trading_date, "call": request.call}
    if asked.items() <= standing.items():
        return
    rt.stores.catalog.put(
        owner, item, {**asked, "account": account, "asked_at": rt.clock.now().isoformat(), "reason": why}
    )
    rt.alarms.count("LoginNeeded", account=account)


def _names(missing: Iterable[tuple[str, dict[str, Any], str]]) -> str:
    names = sorted(str(document["account"]) for _, document, _ in missing)
    return f"not logged in: {', '.join(names[:20])}" if names else ""


handler = task(run, Input)
