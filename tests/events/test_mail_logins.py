"""LoginNeeded reaches a person: who gets which e-mail, how often, and what is never in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from brokers.clock import IST, FixedClock
from tasks import check_logins, mail_logins
from tasks.domain import items
from tasks.runtime import Runtime
from tasks.user_pool import UserPool
from tests.events.streams import a_runtime
from tests.tasks.world import ACCOUNT, RecordedAlarms

EIGHT, NINE = (datetime(2026, 11, 23, hour, tzinfo=IST) for hour in (8, 9))
CANARY = "canary-of-a-broker-7d1"


@dataclass
class Post:
    """Mail that was sent, and the addresses that are known."""

    known: dict[str, str] = field(default_factory=lambda: {"user-1": "asha@example.com"})
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    broken: bool = False

    def send(self, message: EmailMessage) -> str:
        if self.broken:
            raise RuntimeError("SES is down")
        self.sent.append((message["To"], message["Subject"], message.get_content()))
        return "id"

    def email_of(self, user_id: str) -> str:
        return self.known.get(user_id, "")


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def rt(post: Post) -> Runtime:
    made = a_runtime(mail=post, people=post)
    clock(made).at = EIGHT
    link(made)
    return made


def clock(rt: Runtime) -> FixedClock:
    assert isinstance(rt.clock, FixedClock)
    return rt.clock


def link(rt: Runtime, **changes: Any) -> None:
    known = {
        "account": ACCOUNT, "broker": "zerodha", "label": "Asha's own", "lot_multiplier": 1, "status": "ACTIVE",
        "valid_until": "2026-11-23T06:00:00+05:30",
    }  # fmt: skip
    rt.stores.catalog.put("user-1", items.account(ACCOUNT), known | changes)


def call(rt: Runtime, which: Any = "FIRST") -> mail_logins.Input:
    """What CheckLogins asks for, as the bus brings it."""
    check_logins.run(check_logins.Input(trading_date="2026-11-23", call=which), rt)
    asked = rt.stores.catalog.get("user-1", f"LOGIN#{ACCOUNT}") or {}
    return told(**asked)


def told(**changes: Any) -> mail_logins.Input:
    data = {
        "owner": "user-1", "account": ACCOUNT, "trading_date": "2026-11-23", "asked_at": EIGHT.isoformat(),
        "reason": f"the broker said {CANARY}",
    }  # fmt: skip
    event = {"detail-type": "LoginNeeded", "detail": {"type": "LoginNeeded", "data": data | changes}}
    return mail_logins.Input.model_validate(event)


def test_the_owner_is_asked_at_eight_and_at_nine(rt: Runtime, post: Post) -> None:
    first = call(rt)
    assert mail_logins.run(first, rt).sent
    clock(rt).at = NINE
    second = call(rt, "SECOND")
    assert mail_logins.run(second, rt).sent
    assert [(to, subject) for to, subject, _ in post.sent] == [
        ("asha@example.com", f"Log in {ACCOUNT} before the market opens")
    ] * 2
    text = post.sent[0][2]
    assert f"algo account login {ACCOUNT}" in text
    assert "Monday 23 November 2026" in text
    assert "Asha's own" in text


def test_an_event_that_comes_again_or_late_is_mailed_once(rt: Runtime, post: Post) -> None:
    first = call(rt)
    assert [mail_logins.run(first, rt).sent for _ in range(3)] == [True, False, False]
    clock(rt).at = NINE
    assert mail_logins.run(call(rt, "SECOND"), rt).sent
    assert not mail_logins.run(first, rt).sent
    clock(rt).at = datetime(2026, 11, 23, 10, 1, tzinfo=IST)
    late = told(asked_at="2026-11-23T09:00:01+05:30")
    assert mail_logins.run(late, rt).reason == "it comes too late"
    assert len(post.sent) == 2


def test_one_that_was_not_sent_is_sent_when_it_comes_again(rt: Runtime, post: Post) -> None:
    first = call(rt)
    post.broken = True
    with pytest.raises(RuntimeError):
        mail_logins.run(first, rt)
    post.broken = False
    assert mail_logins.run(first, rt).sent


def test_who_has_logged_in_or_unlinked_meanwhile_is_left_in_peace(rt: Runtime, post: Post) -> None:
    first = call(rt)
    link(rt, valid_until="2026-11-24T06:00:00+05:30", logged_in_at="2026-11-23T08:00:30+05:30")
    assert mail_logins.run(first, rt).reason == "they have logged in meanwhile"
    assert mail_logins.run(told(account="ZB0000"), rt).reason == "the account is no longer linked"
    assert post.sent == []


def test_a_session_that_the_broker_ended_early_is_asked_for(rt: Runtime, post: Post) -> None:
    """By our own clock it is valid until tomorrow."""
    link(rt, valid_until="2026-11-24T06:00:00+05:30", logged_in_at="2026-11-23T07:10:00+05:30")
    assert mail_logins.run(told(), rt).sent
    assert len(post.sent) == 1


def test_where_nobody_can_be_reached_the_operator_hears_of_it(rt: Runtime, post: Post) -> None:
    post.known.clear()
    assert not mail_logins.run(call(rt), rt).sent
    assert isinstance(rt.alarms, RecordedAlarms)
    assert "NobodyToMail" in rt.alarms.raised


def test_what_a_broker_said_is_not_in_it(rt: Runtime, post: Post) -> None:
    link(rt, api_secret=CANARY, access_token=CANARY)
    mail_logins.run(told(), rt)
    assert post.sent
    assert CANARY not in str(post.sent)
    assert "http" not in post.sent[0][2]


# --- through boto3 ---


@pytest.mark.parametrize(
    ("attributes", "address"),
    [
        ({"sub": "1", "email": "asha@example.com", "email_verified": "true"}, "asha@example.com"),
        ({"sub": "1", "email": "eve@example.com", "email_verified": "false"}, ""),
        ({"sub": "1"}, ""),
    ],
)
def test_only_an_address_that_was_proved_is_written_to(attributes: dict[str, str], address: str) -> None:
    client = boto3.client("cognito-idp", region_name="ap-south-1")
    user = {
        "Username": "1",
        "UserAttributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
    }
    with Stubber(client) as pool:
        pool.add_response("admin_get_user", user, {"UserPoolId": "pool", "Username": "1"})
        pool.add_client_error("admin_get_user", "UserNotFoundException")
        people = UserPool(client, "pool")
        assert people.email_of("1") == address
        assert people.email_of("gone") == ""
