"""The event of a schedule."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from brokers.clock import IST
from tasks.domain.errors import InvalidPayload
from tasks.domain.fields import Weekday
from tasks.domain.payload import Payload, parse_payload

EVENT: dict[str, Any] = {
    "user_id": "user-1",
    "basket_id": "basket-1",
    "strategy_id": "bnf-straddle",
    "transaction_type": "ENTRY",
    "entry_time": "09:30",
    "exit_time": "15:15",
    "weekdays": ["MON", "WED", "FRI"],
    "dte": 0,
    "scheduled_time": "2026-11-23T03:58:00Z",
}


def event(**changed: Any) -> Payload:
    return parse_payload(EVENT | changed)


def test_the_seeds_event_is_understood() -> None:
    payload = event()
    assert payload.trading_date == date(2026, 11, 23)
    assert payload.entry_at == datetime(2026, 11, 23, 9, 30, tzinfo=IST)
    assert payload.exit_at == datetime(2026, 11, 23, 15, 15, tzinfo=IST)
    assert payload.weekdays == (Weekday.MON, Weekday.WED, Weekday.FRI)
    assert payload.dte == (0,)
    assert payload.run == "S"


def test_the_trading_date_is_that_of_india() -> None:
    assert event(scheduled_time="2026-11-22T20:00:00Z").trading_date == date(2026, 11, 23)
    assert event(scheduled_time="2026-11-23T23:59:00+05:30").trading_date == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"transaction_type": "BUY"}, "transaction_type: must be 'ENTRY' or 'EXIT', not 'BUY'"),
        ({"exit_time": "09:15"}, "exit_time: 09:15 is not after entry_time 09:30"),
        ({"weekdays": ["FUNDAY"]}, "weekdays: 'FUNDAY' is not a weekday"),
        ({"dte": "0"}, "dte: must be a whole number of days"),
        ({"scheduled_time": "2026-11-23T03:58:00"}, "scheduled_time: input should have timezone info"),
        ({"scheduled_time": "<aws.scheduler.scheduled-time>"}, "scheduled_time: "),
        ({"user_id": ""}, "user_id: must be letters, digits"),
        ({"strategy_id": "a/b"}, "strategy_id: must be 1 to 24"),
        ({"run": "X"}, "run: must be S for the schedule"),
        ({"legs": []}, "legs: is not a known field"),
    ],
)
def test_an_entry_that_says_nonsense_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidPayload) as refused:
        event(**changed)
    assert said in str(refused.value)


def test_an_exit_is_not_stopped_by_what_only_an_entry_needs() -> None:
    payload = event(transaction_type="EXIT", weekdays=["FUNDAY"], dte="x", entry_time="16:00", extra=1)
    assert payload.exit_at == datetime(2026, 11, 23, 15, 15, tzinfo=IST)
    assert payload.weekdays == tuple(Weekday)
    assert payload.dte == ()


def test_a_sound_exit_keeps_all_it_says() -> None:
    assert event(transaction_type="EXIT").weekdays == (Weekday.MON, Weekday.WED, Weekday.FRI)


@pytest.mark.parametrize("needed", ["user_id", "strategy_id", "exit_time", "scheduled_time"])
def test_an_exit_still_has_to_say_what_to_close_and_when(needed: str) -> None:
    document = {name: value for name, value in EVENT.items() if name != needed}
    with pytest.raises(InvalidPayload, match=f"{needed}: is missing"):
        parse_payload(document | {"transaction_type": "EXIT"})


@pytest.mark.parametrize("document", [{}, [], None, "text"])
def test_whatever_comes_the_answer_is_a_named_error(document: Any) -> None:
    with pytest.raises(InvalidPayload):
        parse_payload(document)
