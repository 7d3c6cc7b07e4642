"""The day's report over HTTP, and how it comes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.api.world import Client
from tests.reports.played import ASHA, Played, at, full_day


@pytest.fixture(scope="module")
def day() -> Played:
    played = full_day()
    played.world.clock.at = at("16:00")
    return played


def test_the_report_is_made_when_it_is_asked_for(day: Played) -> None:
    asha = day.world.user(ASHA)
    told = asha.get("/reports/day", date="2026-11-23").body
    assert (told["gross"], told["orders"], told["closed"]) == ("6702.00", 10, False)
    assert Decimal(told["net"]) == Decimal(told["gross"]) - Decimal(told["charges"])
    assert told["html"].startswith("<!doctype html>")
    assert "Weekly income" not in told["html"], "one basket needs no bars of its own"
    assert asha.get("/reports/day").body["trading_date"] == "2026-11-23"


def test_nobody_reads_anothers(day: Played) -> None:
    mine = day.world.user(ASHA).get("/reports/day").body["html"]
    told = day.world.user("mallory").get("/reports/day", date="2026-11-23").body
    assert (told["orders"], told["gross"]) == (0, "0")
    for name in ("ZA1234", "Straddle", "Asha"):
        assert name in mine
        assert name not in told["html"]


def test_a_day_that_is_no_day_is_refused(day: Played) -> None:
    assert day.world.user(ASHA).get("/reports/day", date="yesterday").status == 422


def test_mail_goes_to_the_address_of_the_sign_in_and_no_other(day: Played) -> None:
    asha = Client(day.world, ASHA)
    assert asha.put("/profile", {"name": "Asha", "report": "mail"}).status == 422, "this sign-in has no address"
    assert asha.put("/profile", {"report": "mail", "email": "mallory@example.com"}).status == 422
    assert asha.put("/profile", {"report": "fax"}).status == 422
    signed_in = Client(day.world, ASHA, email="asha@example.com")
    assert signed_in.put("/profile", {"name": "Asha", "report": "mail"}).body["report"] == "mail"
    assert signed_in.get("/profile").body["report"] == "mail"
    kept = day.stores.catalog.get(ASHA, "PROFILE")
    assert (kept["report"], kept["email"]) == ("mail", "asha@example.com")
    assert signed_in.put("/profile", {"name": "Asha"}).body["report"] == "keep"
    assert "email" not in day.stores.catalog.get(ASHA, "PROFILE")
