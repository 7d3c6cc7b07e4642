"""MailLogins: LoginNeeded reaches a person, by an e-mail to the account's owner at each of the morning's calls.

Bus and alarm tell programs and the operator. The mail says which account, for which day and what to do. It
holds no address that logs anybody in, no token and nothing of what the broker answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from pydantic import BaseModel, ConfigDict

from brokers.clock import IST
from tasks.contracts import Slot
from tasks.domain import items
from tasks.lambda_task import task
from tasks.runtime import Runtime
from tasks.spec import Function, Table

FUNCTION = Function(
    name="MailLogins",
    module="tasks.mail_logins",
    timeout=30,
    reads=(Table.CATALOG,),
    writes=(Table.CATALOG,),
    hears=("LoginNeeded",),
    sends_mail=True,
    asks_people=True,
)

TOO_LATE = timedelta(hours=1)
"""An event that was held up longer than this is followed by the next call, or by the market's opening."""


class Input(BaseModel):
    """An event of the bus, as EventBridge hands it to a function."""

    model_config = ConfigDict(extra="ignore")

    detail: dict[str, Any]


class LoginNeeded(BaseModel):
    """Of the event, what is needed here."""

    model_config = ConfigDict(extra="ignore")

    owner: str
    account: str
    trading_date: date
    asked_at: datetime


class Output(Slot):
    """`sent` is false where nobody needed it any more, or nobody could be reached."""

    sent: bool
    reason: str


def run(request: Input, rt: Runtime) -> Output:
    call = LoginNeeded.model_validate(request.detail["data"])
    document = rt.stores.catalog.get(call.owner, items.account(call.account))
    if reason := _unneeded(call, document, rt):
        return Output(sent=False, reason=reason)
    address = rt.people.email_of(call.owner)
    if not address:
        rt.alarms.count("NobodyToMail", account=call.account)
        return Output(sent=False, reason="the account's owner has no e-mail address")
    rt.mail.send(_message(address, call, document or {}))
    rt.stores.catalog.put(call.owner, items.mailed(call.account), {"asked_at": call.asked_at.isoformat()})
    return Output(sent=True, reason="")


def _unneeded(call: LoginNeeded, document: Mapping[str, Any] | None, rt: Runtime) -> str:
    """Why no mail is to go out, "" if one is. An event may come twice, late, or after the login."""
    mailed = rt.stores.catalog.get(call.owner, items.mailed(call.account)) or {}
    now = rt.clock.now()
    if document is None:
        return "the account is no longer linked"
    until = document.get("valid_until")
    if until and datetime.fromisoformat(until) > now and _logged_in_since(call, document):
        return "they have logged in meanwhile"
    if mailed and datetime.fromisoformat(mailed["asked_at"]) >= call.asked_at:
        return "this call was mailed before"
    if now - call.asked_at > TOO_LATE:
        return "it comes too late"
    return ""


def _logged_in_since(call: LoginNeeded, document: Mapping[str, Any]) -> bool:
    """A session that ended early, at the broker, is still valid by our own clock: only a newer login counts."""
    at = document.get("logged_in_at")
    return bool(at) and datetime.fromisoformat(str(at)) > call.asked_at


def _message(address: str, call: LoginNeeded, document: Mapping[str, Any]) -> EmailMessage:
    message = EmailMessage()
    message["To"] = address
    message["Subject"] = f"Log in {call.account} before the market opens"
    message.set_content(_text(call, document))
    return message


def _text(call: LoginNeeded, document: Mapping[str, Any]) -> str:
    label = f" ({document['label']})" if document.get("label") else ""
    return (
        f"Your broker account {call.account}{label} has no session for {call.trading_date:%A %d %B %Y}.\n"
        "Until you log in at the broker, nothing is entered in it, and nothing in it can be closed from here.\n"
        "\n"
        f"    algo account login {call.account}\n"
        "\n"
        "We ask at 08:00 and at 09:00 on every trading day, until the account is logged in or paused.\n"
        "We never send an address to log in at, and never ask for a password: one that does is not from us.\n"
        f"\nAsked at {call.asked_at.astimezone(IST):%H:%M} IST.\n"
    )


handler = task(run, Input)
