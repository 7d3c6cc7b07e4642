"""TradingDay: the morning of the platform, from 08:00 on a day that trades, done before the market opens.

Who has not logged in is called at 08:00 and again at 09:00; then the day's contracts are loaded and yesterday's
leftovers looked for. What a person has to mend ends it in a Fail that says so, loudly.
"""

from __future__ import annotations

from pydantic import BaseModel

from tasks import check_logins, find_leftovers, open_day, refresh_instruments
from workflows import parts
from workflows.asl.conditions import When, negate
from workflows.asl.machine import Machine
from workflows.asl.paths import Path
from workflows.asl.states import Choice, Fail, Pass, State, Succeed, Wait


class MarketData(BaseModel):
    """The account whose session loads the instruments."""

    account: str


class Data(BaseModel):
    day: open_day.Output
    first: check_logins.Output
    second: check_logins.Output
    source: MarketData
    instruments: refresh_instruments.Output
    leftovers: find_leftovers.Output


def _call(name: str, slot: str, call: str) -> State:
    arguments = {"trading_date": Path("$.day.trading_date"), "call": call}
    return parts.invoke(name, "check_logins", slot, arguments, redrivable=True)


_LOGINS: list[State] = [
    parts.invoke("OpenDay", "open_day", "day", {}, redrivable=True),
    Choice(
        name="Trades",
        choices=[When(Path("$.day.trading").equals(True), "CallForLogins")],
        default="MarketShut",
    ),
    Succeed(name="MarketShut"),
    _call("CallForLogins", "first", "FIRST"),
    Wait(name="WaitForSecondCall", until=Path("$.day.second_call_at")),
    _call("CallAgain", "second", "SECOND"),
]

_CHECKS: list[State] = [
    parts.invoke(
        "FindLeftovers",
        "find_leftovers",
        "leftovers",
        {"trading_date": Path("$.day.trading_date")},
        redrivable=True,
    ),
    Choice(
        name="DataAccount",
        choices=[
            When(negate(Path("$.day.data_account").equals("")), "UseNamed"),
            When(negate(Path("$.second.ready").equals("")), "UseReady"),
        ],
        default="NobodyReady",
    ),
    Choice(
        name="NobodyReady",
        choices=[When(Path("$.second.checked").equals(0), "NothingLeft")],
        default="NobodyLoggedIn",
    ),
    Fail(
        name="NobodyLoggedIn",
        error="NobodyLoggedIn",
        cause="No linked account has a session, so nothing can trade today: log in, then redrive",
    ),
    Pass(name="UseNamed", value={"account": Path("$.day.data_account")}, slot="source", next="Refresh"),
    Pass(name="UseReady", value={"account": Path("$.second.ready")}, slot="source", next="Refresh"),
    parts.invoke(
        "Refresh",
        "refresh_instruments",
        "instruments",
        {"account": Path("$.source.account"), "trading_date": Path("$.day.trading_date")},
        redrivable=True,
    ),
    Choice(
        name="NothingLeft",
        choices=[When(Path("$.leftovers.left").equals(0), "Ready")],
        default="LeftOpen",
    ),
    Succeed(name="Ready"),
    Fail(
        name="LeftOpen",
        error="LeftOpen",
        cause="An earlier day left accounts open: FindLeftovers names them. Close them before the market opens",
    ),
]

TRADING_DAY = Machine(
    name="TradingDay",
    comment="Everything that has to be right before the market opens",
    data=Data,
    states=[*_LOGINS, *_CHECKS],
)
