"""Rate limits, sessions, switches, the command line, and that the docs name all of it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from brokers.clock import IST, FixedClock, SystemClock
from brokers.simulator import __main__ as command
from brokers.simulator.auth import Account, Sessions, session_end
from brokers.simulator.faults import Call, Fault, FaultKind, Faults
from brokers.simulator.limits import LIMITS, RateLimits
from brokers.simulator.replies import KiteError
from brokers.simulator.routes_admin import ROUTES
from brokers.simulator.world import Settings, build_world

MORNING = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
ACCOUNT = Account("ZA1234", "key", "secret", "token")


def refusals(count: Callable[[datetime], None], times: list[datetime]) -> int:
    refused = 0
    for at in times:
        try:
            count(at)
        except KiteError as error:
            refused += error.code == 429
    return refused


def test_ten_orders_in_a_calendar_second() -> None:
    limits = RateLimits()
    times = [MORNING + timedelta(milliseconds=n) for n in range(12)]
    assert refusals(lambda at: limits.count("order", "A", at), times) == 2
    limits.count("order", "A", MORNING + timedelta(seconds=1))
    limits.count("order", "B", MORNING)


@pytest.mark.parametrize(
    ("apart", "allowed"), [(timedelta(milliseconds=125), 400), (timedelta(seconds=1), 5000)]
)
def test_longer_windows_are_kept(apart: timedelta, allowed: int) -> None:
    limits = RateLimits()
    times = [MORNING + apart * n for n in range(allowed + 5)]
    assert refusals(lambda at: limits.count("order", "A", at), times) == 5
    limits.count("order", "A", MORNING + timedelta(days=1))


def test_a_session_ends_at_six() -> None:
    assert session_end(MORNING) == datetime(2026, 11, 24, 6, tzinfo=IST)
    assert session_end(MORNING.replace(hour=5)) == MORNING.replace(hour=6, minute=0)


def test_a_new_login_ends_the_old_session() -> None:
    sessions = Sessions((ACCOUNT,), seed=7)
    sessions.open_given(MORNING)
    sessions.check("token key:token", MORNING)
    fresh = sessions.open(ACCOUNT, MORNING)
    with pytest.raises(KiteError):
        sessions.check("token key:token", MORNING)
    assert sessions.check(f"token key:{fresh}", MORNING) is ACCOUNT
    for wrong in ("", "token", f"token other:{fresh}", f"Bearer {fresh}"):
        with pytest.raises(KiteError):
            sessions.check(wrong, MORNING)


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(ACCOUNT)
    assert "=token" not in repr(ACCOUNT)


def test_accounts_are_read_from_the_command_line() -> None:
    assert Account.parse("ZA1234:key:secret:token") == ACCOUNT
    assert Account.parse("ZA1234:key:secret").access_token == ""
    for bad in ("ZA1234", "ZA1234:key", "ZA1234::secret", "a:b:c:d:e"):
        with pytest.raises(ValueError, match="USER:API_KEY"):
            Account.parse(bad)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_switch_strikes_once_unless_told_otherwise(kind: FaultKind) -> None:
    call = Call("COMPLETE" if kind.value.startswith("postback") else "place", "A")
    once, always = Fault(kind=kind), Fault(kind=kind, count=0)
    assert [once.strikes(call) and once.use() for _ in range(3)] == [True, False, False]
    assert [always.strikes(call) and always.use() for _ in range(3)] == [True, True, True]


def test_patterns() -> None:
    fault = Fault(kind=FaultKind.REJECT, symbol="BANKNIFTY*PE", side="SELL", tag="N*", account="ZA*")
    hit = Call("place", "ZA1234", "BANKNIFTY26NOV56300PE", "SELL", "N1")
    assert fault.strikes(hit)
    for other in (
        Call("place", "ZB1234", hit.symbol, "SELL", "N1"),
        Call("place", "ZA1234", "BANKNIFTY26NOV56300CE", "SELL", "N1"),
        Call("place", "ZA1234", hit.symbol, "BUY", "N1"),
        Call("place", "ZA1234", hit.symbol, "SELL", "X1"),
        Call("modify", "ZA1234", hit.symbol, "SELL", "N1"),
    ):
        assert not fault.strikes(other)


def test_switches_add_up() -> None:
    faults = Faults()
    faults.set([Fault(kind=FaultKind.INVISIBLE, seconds=5), Fault(kind=FaultKind.PARTIAL, share=0.25)])
    how = faults.of_order(Call("place", "A"))
    assert (how.invisible_seconds, how.held, how.first_share) == (5, True, 0.25)
    assert faults.of_order(Call("place", "A")).invisible_seconds == 0


def test_only_one_switch_spoils_a_reply() -> None:
    faults = Faults()
    faults.set([Fault(kind=FaultKind.REFUSE), Fault(kind=FaultKind.DROP_LOST)])
    first, second = (faults.of_reply(Call("place", "A")) for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.kind, second.kind) == (FaultKind.REFUSE, FaultKind.DROP_LOST)


def test_clocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ALGO_CLOCK", raising=False)
    day = MORNING.date()
    assert command.choose_clock(day).now().date() == day
    assert isinstance(command.choose_clock(None), SystemClock)
    offset = tmp_path / "clock"
    offset.write_text("3600")
    monkeypatch.setenv("ALGO_CLOCK", str(offset))
    assert isinstance(command.choose_clock(day), SystemClock)


def test_the_command_line_makes_a_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALGO_CLOCK", raising=False)
    arguments = command.parser().parse_args(["--date", "2026-11-23", "--account", "AB1:k:s:t", "--always-open"])
    world = command.world_from(arguments)
    assert world.now().date() == MORNING.date()
    assert world.settings.always_open
    assert world.sessions.check("token k:t", world.now()).user_id == "AB1"


def test_bad_command_lines_say_why() -> None:
    for given, words in (
        (["--account", "ZA1234"], "USER:API_KEY"),
        (["--instruments", "/no/such/file.csv"], "No such file"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "brokers.simulator", *given],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr


def test_a_dump_moves_the_money_to_the_middle_of_its_strikes() -> None:
    dump = Path(__file__).resolve().parents[3] / "shared/data/kite/instruments_index_options_2026-08.csv"
    if not dump.exists():
        pytest.skip(f"{dump.name} not present")
    world = build_world(FixedClock(datetime(2026, 8, 25, 9, 30, tzinfo=IST)), [ACCOUNT], instruments=dump)
    spot = world.walk.spot("BANKNIFTY", world.now())
    money = round(spot / 100) * 100
    assert abs(spot / 56350 - 1) < 0.02
    listing = world.listing(world.now())
    assert f"NFO:BANKNIFTY26AUG{money}CE" in listing.by_key
    assert min(contract.expiry for contract in listing.contracts) == world.now().date()


def test_every_switch_is_documented() -> None:
    text = DOCS.read_text()
    options = re.findall(r"--[a-z-]+", command.parser().format_help())
    names = {
        *(kind.value for kind in FaultKind),
        *Fault.model_fields,
        *Settings.model_fields,
        *(f"{next(iter(route.methods - {'HEAD'}))} {route.path}" for route in ROUTES if route.methods),
        *(option for option in options if option != "--help"),
        *LIMITS,
    }
    missing = sorted(name for name in names if f"`{name}`" not in text)
    assert not missing, f"docs/simulator.md does not name {missing}"
