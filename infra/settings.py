"""What differs between one synthesis and another: where it goes, and who is to be told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Stack

ROOT = Path(__file__).resolve().parent.parent
BUILT_LAYERS = ROOT / "build" / "layers"

PREFIX = "algo"
"""Every physical name starts with it."""

REGION = "ap-south-1"
"""Mumbai: the brokers' and the exchanges' servers are there."""

LOCAL_ACCOUNT = "000000000000"
"""The emulator's account."""

SECRET_PREFIX = f"{PREFIX}/broker/"
"""Secrets Manager names of the accounts' credentials: `algo/broker/{account}`."""

METRICS_NAMESPACE = "Algo"

SCHEDULED = "StrategyLifecycle"
"""The machine that the strategies' schedules start. Most others are started by it."""

USERS_PARAMETER = f"/{PREFIX}/users/pool"
"""The parameter that holds the user pool's id: the pool is made after the functions that ask it."""

SCHEDULES_DEAD_LETTERS = "schedules-dlq"
"""Where a start that failed ends up."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One synthesis.

    Parameters
    ----------
    local
        For the emulator: no layers, no state machines, no schedules, nothing that outlives a stack.
    account, region
        Where it goes. Without an account the templates fit every account.
    alarm_email
        Who is told of alarms; empty for nobody (the topic is there all the same).
    mail_from
        The address that reports and calls for a login are mailed from; empty for no mail. SES asks its owner to
        confirm it.
    layers
        The folder of the built dependency layers (`make layers`).
    """

    local: bool = False
    account: str | None = None
    region: str = REGION
    alarm_email: str = ""
    mail_from: str = ""
    layers: Path = BUILT_LAYERS


def lake_bucket(stack: Stack) -> str:
    """The lake's bucket: the account and the region make the name the only one of its kind."""
    return f"{PREFIX}-lake-{stack.account}-{stack.region}"


def reports_bucket(stack: Stack) -> str:
    """The bucket of the users' reports."""
    return f"{PREFIX}-reports-{stack.account}-{stack.region}"


LAKE_DATABASE = f"{PREFIX}_lake"
"""Of the Glue catalog: Athena's names have no dashes."""

LOCAL_SENDER = "reports@algo.test"
"""On one machine, where `make mail` shows what would have been sent."""


def named(name: str) -> str:
    """The physical name of a resource: `algo-orders`, `algo-PlaceOrder`."""
    return f"{PREFIX}-{name}"
