"""What the steps of an exit share: exits never stop, and a person hears of what is in their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brokers.errors import BrokerError
from tasks.runtime import Runtime


@contextmanager
def exit_alarm(rt: Runtime, account: str) -> Iterator[None]:
    """Raise an alarm when a broker blocks an exit. The error goes on: the machine waits and tries again."""
    try:
        yield
    except BrokerError:
        rt.alarms.count("ExitBlocked", account=account)
        raise
