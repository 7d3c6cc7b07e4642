"""Names of the items in the catalog and in the read-models: one place, so that nobody composes them twice.

Catalog, owner = the user's id: `PROFILE`, `BASKET#…`, `STRATEGY#…`, `ACCOUNT#…`, `SUBSCRIPTION#…`, and what
only the commands need: `IDEMPOTENCY#…`, `MANUAL#…`, `USE#…`, `MAILED#…`. Other owners: `marketplace`
(`BASKET#…`, `BASKET#…#V1`, `STRATEGY#…`, `SUBSCRIBER#…#…`), `egress` (one item a proxy), `account` (who has
linked it), `platform`, `signals` (`WATCH#…`: who waits for one, `ENTRIES#…`: what they have started).
"""

from __future__ import annotations

from datetime import date

MARKETPLACE = "marketplace"
EGRESS = "egress"
ACCOUNT_OWNERS = "account"
PLATFORM = "platform"
SIGNALS = "signals"

PROFILE = "PROFILE"
SETTINGS = "SETTINGS"


def basket(basket_id: str) -> str:
    return f"BASKET#{basket_id}"


def basket_version(basket_id: str, version: int) -> str:
    """A published version, which never changes any more."""
    return f"BASKET#{basket_id}#V{version}"


def strategy(strategy_id: str) -> str:
    return f"STRATEGY#{strategy_id}"


def account(account_id: str) -> str:
    return f"ACCOUNT#{account_id}"


def account_use(account_id: str) -> str:
    """Counts the commands that named an account: whoever unlinks it sees that one came in between."""
    return f"USE#{account_id}"


def mailed(account_id: str) -> str:
    """Which call for a login was mailed last."""
    return f"MAILED#{account_id}"


def subscription(basket_id: str) -> str:
    return f"SUBSCRIPTION#{basket_id}"


def subscriber(basket_id: str, user_id: str = "") -> str:
    """Without a user: the prefix of all subscribers."""
    return f"SUBSCRIBER#{basket_id}#{user_id}"


def idempotency(key: str) -> str:
    return f"IDEMPOTENCY#{key}"


def manual_runs(strategy_id: str, trading_date: date) -> str:
    """How many runs were started by hand on that day."""
    return f"MANUAL#{strategy_id}#{trading_date:%Y%m%d}"


def watched(owner: str = "", strategy_id: str = "") -> str:
    """A strategy that waits for a signal; without either, the prefix of all."""
    return f"WATCH#{owner}#{strategy_id}" if owner else "WATCH#"


def entries(owner: str, strategy_id: str, trading_date: date) -> str:
    """What a strategy's signals have started on that day."""
    return f"ENTRIES#{trading_date:%Y%m%d}#{owner}#{strategy_id}"


def run(run_key: str, account_id: str = "") -> str:
    """Without an account: what happened to the run before any account was started (skipped, missed, failed)."""
    return f"RUN#{run_key}#{account_id}"


def mark(trading_date: date, account_id: str) -> str:
    """What an account was worth when it was last looked at on that day."""
    return f"MARK#{trading_date.isoformat()}#{account_id}"


def day(trading_date: date, account_id: str) -> str:
    """An account's profit of that day, beside the broker's own."""
    return f"DAY#{trading_date.isoformat()}#{account_id}"


def order(trading_date: date, order_id: str = "") -> str:
    """Without an order: the prefix of the day's."""
    return f"ORDER#{trading_date.isoformat()}#{order_id}"


def position(trading_date: date, position_id: str = "") -> str:
    """Without a position: the prefix of the day's."""
    return f"POSITION#{trading_date.isoformat()}#{position_id}"


def feed(account_id: str) -> str:
    """When the account's feed went blind or saw again, of owner `platform`."""
    return f"FEED#{account_id}"
