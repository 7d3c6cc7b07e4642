"""Ask before every order call: a limit for each broker account that holds across all Lambdas at once.

Nobody sleeps: who may not send now is told when to ask again, and the state machine waits.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tasks.domain.pace import ENTERING, EXITING, take
from tasks.runtime import Runtime

_RACES = 20
CROWDED = timedelta(seconds=1)


def ask_to_send(rt: Runtime, account: str, *, exiting: bool) -> datetime | None:
    """None if one order call may leave now, otherwise when to ask again.

    `exiting` is whatever makes a position smaller or keeps one from growing: closing orders, cancellations.
    """
    limits = EXITING if exiting else ENTERING
    for _ in range(_RACES):
        now = rt.clock.now()
        standing = rt.stores.pace.get(account)
        taken, again = take(standing, now, limits)
        if again is not None:
            return again
        if rt.stores.pace.replace(account, taken, standing=standing):
            return None
    return rt.clock.now() + CROWDED
