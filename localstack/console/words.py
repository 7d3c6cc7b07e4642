"""Errors in plain words, with what to do about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from localstack.console.json_text import parsed
from tasks.masking import masked_text


@dataclass(frozen=True, slots=True)
class Advice:
    """What an error means for people.

    `remedy` is what the page can offer: "login" (and then redrive), "redrive", "new" (a new execution), or "".
    """

    title: str
    meaning: str
    remedy_text: str
    remedy: str = ""


_ADVICE: dict[str, Advice] = {
    "TokenExpired": Advice(
        "The broker session has ended",
        "Kite ends every session at 06:00, and each login ends the one before. Nothing was sent with this one.",
        "Log in, then redrive. Inside the entry window the redrive trades; after it, it ends as MISSED.",
        "login",
    ),
    "EgressRefused": Advice(
        "The broker refuses this address",
        "Orders are taken only from the address that is registered for the account.",
        "Check the account's egress and the address registered with the broker, then redrive.",
        "redrive",
    ),
    "RateLimited": Advice(
        "Too many requests to the broker",
        "The broker counted more requests than it allows. Nothing happened.",
        "It is tried again by itself. If it has ended: redrive.",
        "redrive",
    ),
    "BrokerUnavailable": Advice(
        "The broker did not answer",
        "No answer, or one that says nothing. Reads are tried again; no order is sent twice because of it.",
        "Wait until the broker is back, then redrive.",
        "redrive",
    ),
    "RequestRefused": Advice(
        "The broker refused the request",
        "It understood and said no. The cause has its words.",
        "Mend what the cause names, then redrive.",
        "redrive",
    ),
    "StoreUnavailable": Advice(
        "A table did not answer",
        "DynamoDB was not there or throttled. Nothing can be concluded from it.",
        "It is tried again by itself. If it has ended: redrive.",
        "redrive",
    ),
    "InvalidPayload": Advice(
        "The event is not what it should be",
        "The cause names the field.",
        "Mend the schedule, and start a new execution: a redrive keeps the input.",
        "new",
    ),
    "InvalidStrategy": Advice(
        "The strategy cannot be traded as it stands",
        "The cause names the field.",
        "Mend the strategy, then redrive: strategies are read at run time.",
        "redrive",
    ),
    "StrategyNotFound": Advice(
        "There is no such strategy",
        "It was deleted, or the event names another user's.",
        "Mend the schedule, and start a new execution.",
        "new",
    ),
    "StrategyDisabled": Advice(
        "The strategy is switched off", "Its owner has disabled it.", "Enable it, then redrive.", "redrive"
    ),
    "NoAccounts": Advice(
        "The strategy has no account to trade in",
        "Every account is missing or inactive.",
        "Link an account, then redrive.",
        "redrive",
    ),
    "AccountNotFound": Advice(
        "There is no such account",
        "The strategy names one that is not linked.",
        "Link it, then redrive.",
        "redrive",
    ),
    "StrikeNotListed": Advice(
        "That strike is not listed",
        "The exchange lists no such contract today.",
        "Mend the strategy's legs, then redrive.",
        "redrive",
    ),
    "QuoteMissing": Advice(
        "A contract has no quote",
        "Nobody quotes it, or the feed had a gap.",
        "Redrive inside the entry window.",
        "redrive",
    ),
    "ExitNeedsPerson": Advice(
        "This exit needs a person",
        "The broker takes no more closing orders by itself. Something may still be open.",
        "Look at the positions in the broker's terminal and close what is open there.",
    ),
    "AccountsNotStarted": Advice(
        "Not every account was started",
        "The others run on their own. The iterations show which one failed.",
        "Start a new execution: children that exist already are not started twice.",
        "new",
    ),
    "States.Timeout": Advice(
        "It took too long",
        "The state, or the execution, did not end within its time.",
        "Redrive: the time begins again.",
        "redrive",
    ),
    "States.Runtime": Advice(
        "The machine itself stumbled",
        "A path that is missing or data of another kind. Nothing can catch this.",
        "Compare the state's input with its definition. A mended definition needs a new execution.",
        "new",
    ),
    "States.DataLimitExceeded": Advice(
        "Too much data",
        "A state's input or output has over 256 KiB.",
        "The machine must pass less. Start a new execution.",
        "new",
    ),
    "States.Permissions": Advice(
        "Not allowed", "The machine's role may not make this call.", "Mend the role, then redrive.", "redrive"
    ),
    "Lambda.TooManyRequestsException": Advice(
        "Lambda throttled the call",
        "Too many functions ran at once.",
        "It is tried again by itself. If it has ended: redrive.",
        "redrive",
    ),
    "DynamoDB.ConditionalCheckFailedException": Advice(
        "Somebody was there first",
        "The write's condition did not hold: the item exists, or is further on. Our machines expect this.",
        "Nothing, if a Catch led on from it.",
    ),
    "StepFunctions.ExecutionAlreadyExistsException": Advice(
        "It had been started already",
        "The child's name is fixed, so that it runs once.",
        "Nothing: follow the child.",
    ),
}
_ABORTED = Advice("Stopped", "A person or a parent stopped it.", "Redrive goes on where it stopped.", "redrive")
_LAMBDA = Advice(
    "A function failed", "Lambda could not run it, or it broke.", "Look at its log, then redrive.", "redrive"
)
_UNKNOWN = Advice(
    "It failed", "The cause has the words of whatever failed.", "Mend it, then redrive.", "redrive"
)


def advice(error: str, status: str = "FAILED") -> Advice:
    """What the error means and what to do."""
    if error in _ADVICE:
        return _ADVICE[error]
    if status == "ABORTED":
        return _ABORTED
    if status == "TIMED_OUT":
        return _ADVICE["States.Timeout"]
    return _LAMBDA if error.startswith(("Lambda.", "Sandbox.")) else _UNKNOWN


def plain_cause(cause: str) -> str:
    """The sentence in a cause: a Lambda's error message without its stack, without secrets."""
    found: Any = parsed(cause)
    if isinstance(found, dict) and isinstance(found.get("errorMessage"), str):
        return masked_text(found["errorMessage"])
    return masked_text(cause)


_ACCOUNT = re.compile(r"\(account ([A-Z0-9]{2,12})\)")


def account_in(cause: str) -> str:
    """The account a broker's error is about, if its cause says so."""
    found = _ACCOUNT.search(cause)
    return found[1] if found else ""
