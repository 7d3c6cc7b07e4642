"""EventBridge Scheduler's expressions, against AWS's own examples and the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from localstack.cron import InvalidExpression
from localstack.expressions import parse

IST = ZoneInfo("Asia/Kolkata")
ANCHOR = datetime(2026, 11, 22, 12, 0, tzinfo=IST)


def after(text: str, moment: str, zone: str = "Asia/Kolkata") -> str | None:
    found = parse(text, zone, anchor=ANCHOR).after(
        datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone))
    )
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        # The entry of a Monday, Wednesday, Friday strategy, two minutes early.
        ("cron(28 9 ? * MON,WED,FRI *)", "2026-11-22T12:00:00", "2026-11-23T09:28:00"),
        ("cron(28 9 ? * MON,WED,FRI *)", "2026-11-23T09:28:00", "2026-11-25T09:28:00"),
        ("cron(28 9 ? * 2-6 *)", "2026-11-20T09:28:00", "2026-11-23T09:28:00"),
        ("cron(28 9 ? * mon-fri *)", "2026-11-23T09:27:59", "2026-11-23T09:28:00"),
        # From AWS's guide.
        ("cron(15 10 ? * 6L 2026-2027)", "2026-11-22T00:00:00", "2026-11-27T10:15:00"),
        ("cron(0 0 L * ? *)", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("cron(0 0 LW * ? *)", "2026-02-01T00:00:00", "2026-02-27T00:00:00"),
        ("cron(0 9 15W * ? *)", "2026-11-01T00:00:00", "2026-11-16T09:00:00"),
        ("cron(0 9 1W * ? *)", "2026-08-01T00:00:00", "2026-08-03T09:00:00"),
        ("cron(0 9 31W * ? *)", "2027-01-01T00:00:00", "2027-01-29T09:00:00"),
        ("cron(0 9 31W * ? *)", "2026-11-01T00:00:00", "2026-12-31T09:00:00"),
        ("cron(0 9 ? * TUE#4 *)", "2026-11-01T00:00:00", "2026-11-24T09:00:00"),
        ("cron(0 9 ? * 3#5 *)", "2026-11-01T00:00:00", "2026-12-29T09:00:00"),
        ("cron(0 9 ? * L *)", "2026-11-22T00:00:00", "2026-11-28T09:00:00"),
        ("cron(0/15 9-15 * * ? *)", "2026-11-22T09:46:00", "2026-11-22T10:00:00"),
        ("cron(5,35 14 * * ? *)", "2026-11-22T14:05:00", "2026-11-22T14:35:00"),
        ("cron(10-20/5 9 * * ? *)", "2026-11-22T09:16:00", "2026-11-22T09:20:00"),
        ("cron(0 10 29 2 ? *)", "2026-11-22T00:00:00", "2028-02-29T10:00:00"),
        ("cron(0 10 * * ? 2020)", "2026-11-22T00:00:00", None),
        ("at(2026-11-23T09:28:00)", "2026-11-23T09:27:59", "2026-11-23T09:28:00"),
        ("at(2026-11-23T09:28:00)", "2026-11-23T09:28:00", None),
        ("rate(5 minutes)", "2026-11-22T12:00:00", "2026-11-22T12:05:00"),
        ("rate(5 minutes)", "2026-11-22T12:04:59", "2026-11-22T12:05:00"),
        ("rate(1 day)", "2026-11-01T00:00:00", "2026-11-22T12:00:00"),
    ],
)
def test_next_occurrence(text: str, moment: str, expected: str | None) -> None:
    assert after(text, moment) == expected


def test_cron_means_the_schedules_own_zone() -> None:
    found = parse("cron(28 9 ? * MON-FRI *)", "Asia/Kolkata", anchor=ANCHOR).after(ANCHOR)
    assert found is not None
    assert found.astimezone(ZoneInfo("UTC")).isoformat() == "2026-11-23T03:58:00+00:00"


def test_a_time_the_clocks_jump_over_does_not_occur() -> None:
    assert after("cron(30 2 * * ? *)", "2026-03-07T12:00:00", "America/New_York") == "2026-03-09T02:30:00"


def test_a_time_that_comes_twice_occurs_once() -> None:
    zone = ZoneInfo("America/New_York")
    rule = parse("cron(30 1 * * ? *)", "America/New_York", anchor=ANCHOR)
    first = rule.after(datetime(2026, 10, 31, 12, tzinfo=zone))
    assert first is not None
    second = rule.after(first)
    assert second is not None
    assert (first.day, second.day) == (1, 2)
    assert second - first == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cron(28 9 * * MON *)", "exactly one"),
        ("cron(28 9 ? * ? *)", "exactly one"),
        ("cron(28 9 ? * MON)", "six fields"),
        ("cron(60 9 ? * MON *)", "minutes"),
        ("cron(0 24 ? * MON *)", "hours"),
        ("cron(0 9 ? * MOO *)", "day-of-week"),
        ("cron(0 9 32 * ? *)", "day-of-month"),
        ("cron(0 9 ? 13 MON *)", "month"),
        ("cron(0 9 ? * FRI-MON *)", "upwards"),
        ("cron(0 9 ? * MON#6 *)", "day-of-week"),
        ("cron(0/0 9 ? * MON *)", "minutes"),
        ("rate(0 minutes)", "rate"),
        ("rate(5 weeks)", "rate"),
        ("at(2026-11-23T09:28:00Z)", "without an offset"),
        ("every monday", "none of"),
    ],
)
def test_what_aws_refuses_is_refused(text: str, part: str) -> None:
    with pytest.raises(InvalidExpression, match=part):
        parse(text, "Asia/Kolkata", anchor=ANCHOR)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidExpression, match="time zone"):
        parse("rate(1 minute)", "Asia/Bombai", anchor=ANCHOR)
