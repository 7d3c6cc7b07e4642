"""PollQuotes, Express, each minute while the market is open, and at once when the feed says that it is blind.

Where the feed sees, or nothing is open, one look is all. Else it asks for quotes every three seconds, until the
minute is over or the feed sees again, so that what has a stop is watched all the same.
"""

from __future__ import annotations

from pydantic import BaseModel

from tasks import poll_quotes
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Choice, Pass, Retry, State, Succeed, Wait

EVERY = 3
"""Seconds between two looks."""


IN_THREE_SECONDS = [
    Retry(
        errors=[*parts.LAMBDA_TROUBLE, *parts.OUTAGES, "TokenExpired"],
        interval=EVERY,
        max_attempts=15,
        backoff=1.0,
    )
]
"""Nobody could be asked: look again, until the next minute's execution does."""


class Data(BaseModel):
    polled: poll_quotes.Output


_STATES: list[State] = [
    Pass(
        name="FirstLook",
        value={"looks": 1, "again": True, "blind": False, "polled": 0, "began": 0, "reason": ""},
        slot="polled",
    ),
    parts.invoke(
        "PollOnce",
        "poll_quotes",
        "polled",
        {"looks": Path("$.polled.looks")},
        retry=IN_THREE_SECONDS,
    ),
    Choice(
        name="LookAgain",
        choices=[When(Path("$.polled.again").equals(True), "WaitForLook")],
        default="Seen",
    ),
    Wait(name="WaitForLook", seconds=EVERY, next="PollOnce"),
    Succeed(name="Seen"),
]

POLL_QUOTES = Machine(
    name="PollQuotes",
    comment="Watch what has a stop while the feed is blind",
    data=Data,
    states=_STATES,
    kind="EXPRESS",
)
