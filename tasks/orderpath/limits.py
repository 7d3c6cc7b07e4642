"""The times of the order path, in seconds. Each is longer than what it has to outlast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

from brokers.model import NotSentCause

HTTP_TIMEOUT = 9.0
"""A single request to a broker: 2 s to connect, 7 s for the answer."""

SEND_TIMEOUT = 15
"""The Lambda that sends. Lambda kills it after that, so no send of its can begin later."""

BOOK_LAG = timedelta(seconds=30)
"""An accepted order may stay invisible in the book for so long (reliability rule 4). More than SEND_TIMEOUT,
so that an order that is missing after it can't still be on its way from a sender that hangs."""

ROUND_PAUSE = timedelta(seconds=15)
"""Between two rounds of closing orders, when the earlier one filled nothing; twice that when the one before
it did not either. No longer: what blocks an exit may be over at any moment."""

RESEND_PAUSE: dict[NotSentCause, timedelta] = {
    NotSentCause.CONNECT: timedelta(seconds=2),
    NotSentCause.RATE_LIMIT: timedelta(seconds=1),
    NotSentCause.TOKEN: timedelta(seconds=15),
    NotSentCause.EGRESS: timedelta(seconds=60),
}

LONGEST_PAUSE = timedelta(minutes=1)
"""For which an exit that may not send waits before it asks again."""

MAX_MODIFICATIONS = 24
"""Kite takes 25 for one order; the last is left to a person."""

MAX_ENTRY_ATTEMPTS = 4
"""Of one slice of an entry. One that is settled as absent is sent again once (reliability rule 4), one that
used up its modifications is replaced, inside its window: four chases of two minutes outlast most windows."""

MAX_ABSENT = 1
"""Attempts of one slice that may be settled as absent before it is sent again."""


def wait_until(at: datetime) -> str:
    """`at` as Step Functions' Wait takes it: UTC, whole seconds, never earlier than `at`."""
    return f"{datetime.fromtimestamp(ceil(at.timestamp()), UTC):%Y-%m-%dT%H:%M:%SZ}"
