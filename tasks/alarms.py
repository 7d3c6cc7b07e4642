"""Who is called, and what for: the alarms' names, what each tells, and the page that says what to do.

A task counts a name (`tasks.runtime.Alarms`); `infra.alarms` makes an alarm of it on AWS, and
`localstack.pager` shows it on one machine.
"""

from __future__ import annotations

from brokers.model import NotSentCause

RUNBOOKS = "docs/runbooks"
"""The folder of the pages, from the project's root."""

FUNCTION_FAILS = "a-function-fails"
MACHINE_ENDS = "an-execution-fails"
DEAD_LETTERS = "dead-letters"
"""Pages that several alarms share: what to do is the same."""

_NOT_SENT = {
    NotSentCause.CONNECT: "the broker can't be reached",
    NotSentCause.RATE_LIMIT: "the broker says too many orders",
    NotSentCause.TOKEN: "the account's session is over: its owner has to log in",
    NotSentCause.EGRESS: "the broker does not know the address that orders come from",
}

COUNTED = {
    "ExitBlocked": "A position should be closed and can't be: look at once.",
    "OrderUnknown": "The reply to an order was lost. It is being settled from the broker's book.",
    "OrderRejected": "The broker refused an order for good.",
    "OrderGivenUp": "An order stayed open after being chased, and is being cancelled.",
    "EntryUnwound": "Not every leg of an entry filled, and the rest is being closed.",
    "PositionReversed": "More was closed than had been opened: look at the broker and close by hand.",
    "BrokerBlind": "The broker's order book can't be read while an order is open.",
    "LoginNeeded": "An account has no session on a trading day: its owner has to log in.",
    "LeftOpen": "Something of an earlier day is still open: look at once.",
    "NobodyToMail": "An account has no session, and its owner no e-mail address: call them.",
    "CalendarEnds": "The trading calendar covers only a few more days: add the exchange's next circular.",
    "SubscriberWithoutAccount": "A subscriber's account is no longer linked, and was left out of a run.",
    "SchedulesRepaired": "Catalog and Scheduler had come apart, and the reconciler brought them together.",
    "OrderReappeared": "An order that was settled as absent turned up after all; what works is cancelled.",
    "ClosedOutside": "Somebody else closed (a part of) a position of ours: the exit leaves that alone.",
    "ExitOverdue": "An exit was due and had not begun: the reconciler has started it.",
    "OpenAtCutOff": "A position is still open a minute before its broker squares it off: close it by hand.",
    "ExternalActivity": "Somebody else traded in a contract of ours: a person, or the broker squaring off.",
    "LedgersDisagree": "Our rows, the broker's book and its positions say different things of a contract.",
    "ExecutionStuck": "An execution runs for longer than it ever should.",
    "ExitRestarted": "An exit's execution ended before its position did, and was redriven or started again.",
    "OpenWithoutExecution": "Something is open, and the execution that held it was aborted or needs a person.",
    "SignalsUnknown": "Indicator-based strategies could not be judged: bars are missing.",
    "PnLDiffers": "A broker's day profit is not what our orders and others' trades come to: see the report.",
    "FeedBlind": "The market is open and the feed hears nothing: what has a stop is polled for. Look at it.",
    "StopNotSent": "A stop was reached and its exit can't be started: close by hand.",
    "OrderWithoutIntent": "The broker has an order with a tag like ours that we have no row of.",
} | {
    f"NotSent{cause.title().replace('_', '')}": f"An order was held back: {meaning}."
    for cause, meaning in _NOT_SENT.items()
}
"""Every name that a task counts, and what to tell the person. Each is its own runbook page."""


SHARED = {
    FUNCTION_FAILS: "A function that no state machine runs has failed.",
    MACHINE_ENDS: "An execution failed, timed out or was aborted.",
    "NobodyFeeds": "No feed holds the lease: what has a stop is polled for once a minute at best.",
    "NobodyStandsBy": "Fewer than two feeds run: if this one dies, nobody takes over.",
    DEAD_LETTERS: "Something could not be delivered or applied, and waits in a queue.",
}


def runbook(page: str) -> str:
    """Where the page is, from the project's root."""
    return f"{RUNBOOKS}/{page}.md"


def with_runbook(meaning: str, page: str) -> str:
    """What an alarm says to the person it calls."""
    return f"{meaning} Runbook: {runbook(page)}"
