"""What an execution is about: strategy, account, side and trading date, from its name or its input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from brokers.clock import IST
from localstack.console.json_text import parsed

_RUN = re.compile(r"(?P<strategy>[a-z0-9][a-z0-9-]*)-(?P<date>20\d{6})-(?P<kind>S|M\d+)\Z")
_CHILD = re.compile(r"(?P<run>.+-20\d{6}-(?:S|M\d+))-(?P<account>[A-Z0-9]{2,12})-(?P<side>ENTRY|EXIT)\Z")


@dataclass(frozen=True, slots=True)
class Facts:
    """Empty where nothing says so. `date` is the trading date, as YYYY-MM-DD."""

    strategy: str = ""
    account: str = ""
    side: str = ""
    date: str = ""
    run_key: str = ""
    user: str = ""


def from_name(name: str) -> Facts | None:
    """An AccountBasket's name says it all; other names say nothing."""
    found = _CHILD.match(name)
    if found is None:
        return None
    run = _RUN.match(found["run"])
    if run is None:
        return None
    day = run["date"]
    return Facts(
        strategy=run["strategy"],
        account=found["account"],
        side=found["side"],
        date=f"{day[:4]}-{day[4:6]}-{day[6:]}",
        run_key=found["run"],
    )


def from_input(text: object) -> Facts:
    """From the input that an execution of ours was started with."""
    data = parsed(text)
    if not isinstance(data, Mapping):
        return Facts()
    strategy = _text(data, "strategy_id")
    day = _text(data, "trading_date") or _day(_text(data, "scheduled_time"))
    run_key = _text(data, "run_key")
    if not run_key and strategy and day:
        run_key = f"{strategy}-{day.replace('-', '')}-{_text(data, 'run') or 'S'}"
    return Facts(
        strategy=strategy,
        account=_text(data, "account"),
        side=_text(data, "side") or _text(data, "transaction_type"),
        date=day,
        run_key=run_key,
        user=_text(data, "user_id"),
    )


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _day(instant: str) -> str:
    try:
        moment = datetime.fromisoformat(instant)
    except ValueError:
        return ""
    day: date = (moment.astimezone(IST) if moment.tzinfo else moment).date()
    return day.isoformat()
