"""Order updates that arrive from outside: believed only with the right checksum."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from brokers.clock import IST
from brokers.model import OrderStatus, Side
from brokers.zerodha import BadChecksum, MalformedPostback, PostbackRefused, parse_postback
from brokers.zerodha.postback import MAX_BODY, checksum_of

SECRET = "sssecretvalue"
FIELDS: dict[str, Any] = {
    "user_id": "ZA1234",
    "app_id": 1234,
    "order_id": "251123000000001",
    "exchange_order_id": "1100000012345678",
    "parent_order_id": None,
    "placed_by": "ZA1234",
    "status": "COMPLETE",
    "status_message": None,
    "order_timestamp": "2026-11-23 09:30:01",
    "exchange_timestamp": "2026-11-23 09:30:01",
    "exchange_update_timestamp": "2026-11-23 09:30:02",
    "variety": "regular",
    "exchange": "NFO",
    "tradingsymbol": "BANKNIFTY26NOV58000CE",
    "transaction_type": "SELL",
    "quantity": 30,
    "filled_quantity": 30,
    "pending_quantity": 0,
    "average_price": 412.4,
    "price": 412.35,
    "tag": "N0123456789ABCDEF101",
    "meta": {},
}


def signed(**change: Any) -> bytes:
    fields = FIELDS | change
    checksum = checksum_of(str(fields["order_id"]), str(fields["order_timestamp"]), SECRET)
    return json.dumps({"checksum": checksum} | fields | change).encode()


def test_a_postback_is_an_order_of_an_account() -> None:
    update = parse_postback(signed(), SECRET)
    assert update.account == "ZA1234"
    order = update.order
    assert (order.broker_order_id, order.tag) == ("251123000000001", "N0123456789ABCDEF101")
    assert (order.side, order.quantity, order.filled_quantity) == (Side.SELL, 30, 30)
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal("412.4"))
    assert order.at == datetime(2026, 11, 23, 9, 30, 2, tzinfo=IST)


def test_the_checksum_is_kites() -> None:
    """SHA-256 of order id, timestamp and secret, computed here by hand."""
    by_hand = hashlib.sha256(b"12026-11-23 09:30:01s").hexdigest()
    assert checksum_of("1", "2026-11-23 09:30:01", "s") == by_hand


@pytest.mark.parametrize(
    "change",
    [
        {"checksum": ""},
        {"checksum": "0" * 64},
        {"checksum": "ü" * 64},
        {"checksum": "\ud800"},
        {"checksum": checksum_of(FIELDS["order_id"], FIELDS["order_timestamp"], "another secret")},
    ],
)
def test_a_wrong_checksum_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadChecksum):
        parse_postback(signed(**change), SECRET)


def test_a_checksum_of_another_order_is_refused() -> None:
    stolen = checksum_of("1", FIELDS["order_timestamp"], SECRET)
    with pytest.raises(BadChecksum):
        parse_postback(signed(checksum=stolen), SECRET)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'"text"',
        b"[" * 60_000,
        b'{"price":NaN}',
        b"{}",
        b" " * (MAX_BODY + 1),
        b"x" * 1_000_000,
    ],
    ids=["empty", "text", "bytes", "list", "null", "string", "deep", "nan", "no fields", "long", "1 MB"],
)
def test_a_body_that_is_no_postback_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedPostback):
        parse_postback(body, SECRET)


def test_a_body_that_is_too_long_is_refused_though_it_is_signed() -> None:
    with pytest.raises(MalformedPostback, match="bytes are more than 65536"):
        parse_postback(signed(meta={"padding": "x" * MAX_BODY}), SECRET)


@pytest.mark.parametrize("name", ["order_id", "order_timestamp", "checksum"])
@pytest.mark.parametrize("value", [None, 17, ["x"]])
def test_what_the_checksum_needs_must_be_text(name: str, value: object) -> None:
    with pytest.raises(MalformedPostback, match=name):
        parse_postback(signed(**{name: value}), SECRET)


@pytest.mark.parametrize(
    "name", ["user_id", "status", "tradingsymbol", "transaction_type", "quantity", "price"]
)
def test_a_missing_field_is_malformed_even_with_a_good_checksum(name: str) -> None:
    fields = json.loads(signed())
    del fields[name]
    with pytest.raises(MalformedPostback):
        parse_postback(json.dumps(fields).encode(), SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": "thirty"},
        {"filled_quantity": 1.5},
        {"transaction_type": "HOLD"},
        {"order_timestamp": "yesterday"},
        {"order_timestamp": ""},
        {"order_id": ""},
        {"price": {"amount": 1}},
    ],
)
def test_a_field_of_the_wrong_kind_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedPostback):
        parse_postback(signed(**change), SECRET)


def test_without_a_secret_nothing_can_be_believed() -> None:
    """Everybody can compute the checksum of an empty secret."""
    forged = signed(checksum=checksum_of(FIELDS["order_id"], FIELDS["order_timestamp"], ""))
    with pytest.raises(ValueError, match="no api_secret"):
        parse_postback(forged, "")


def test_refusals_hold_nothing_of_the_body_nor_the_secret() -> None:
    for body in (signed(checksum="hidden"), signed(quantity="hidden"), b"hidden"):
        with pytest.raises(PostbackRefused) as refused:
            parse_postback(body, SECRET)
        assert "hidden" not in str(refused.value)
        assert SECRET not in str(refused.value)


def test_an_update_of_tomorrows_kind_is_not_terminal() -> None:
    update = parse_postback(signed(status="SOMETHING NEW", novelty={"a": 1}), SECRET)
    assert update.order.status is OrderStatus.UNKNOWN
