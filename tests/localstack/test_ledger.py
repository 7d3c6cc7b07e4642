"""The comparison of the two ledgers finds every kind of disagreement."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import pytest

from brokers.clock import IST
from brokers.model import Exchange, Product, Side
from localstack.exchange import BrokerEntry, BrokerLedger
from localstack.ledger import compare, table
from tasks.domain.ids import Purpose
from tasks.stores.ports import OrderRow, OrderState, PositionRow

AT = datetime(2026, 11, 23, 9, 30, 2, tzinfo=IST)
SYMBOL = "BANKNIFTY26NOV56300CE"

ROW = OrderRow(
    order_id="N7SQ2TZF3XCEC5083101",
    position_id="bn-20261123-S-ZA1234-L1",
    run_key="bn-20261123-S",
    account="ZA1234",
    broker="zerodha",
    user_id="asha",
    basket_id="b",
    strategy_id="bn",
    trading_date=date(2026, 11, 23),
    purpose=Purpose.ENTRY,
    leg=1,
    slice=1,
    attempt=1,
    exchange=Exchange.NFO,
    symbol=SYMBOL,
    exchange_token="3056742",
    side=Side.SELL,
    quantity=30,
    product=Product.MIS,
    limit_price=Decimal("67.85"),
    tick=Decimal("0.05"),
    entry_until=AT,
    status=OrderState.FILLED,
    broker_order_id="261123000000001",
    filled_quantity=30,
    average_price=Decimal("71.35"),
    claimed_at=AT,
)
ENTRY = BrokerEntry(
    broker_order_id="261123000000001",
    tag=ROW.order_id,
    account="ZA1234",
    symbol=SYMBOL,
    side="SELL",
    quantity=30,
    filled_quantity=30,
    average_price=Decimal("71.35"),
    status="COMPLETE",
    modifications=0,
    at=AT,
)
POSITION = PositionRow(
    position_id=ROW.position_id,
    run_key=ROW.run_key,
    account="ZA1234",
    user_id="asha",
    basket_id="b",
    strategy_id="bn",
    trading_date=date(2026, 11, 23),
    exchange=Exchange.NFO,
    symbol=SYMBOL,
    exchange_token="3056742",
    side=Side.SELL,
    entry_qty=30,
    entry_price=Decimal("71.35"),
)


def ledger(*entries: BrokerEntry, net: int = -30) -> BrokerLedger:
    return BrokerLedger(entries, {"ZA1234": {SYMBOL: net} if net else {}})


def test_agreement() -> None:
    comparison = compare(["ZA1234"], [ROW], [POSITION], ledger(ENTRY))
    assert comparison.agree
    assert all("✗" not in line for line in table(comparison))


@pytest.mark.parametrize(
    ("ours", "broker", "difference"),
    [
        ([ROW], ledger(net=-30), "the broker does not have it"),
        ([], ledger(ENTRY), "we know nothing of it"),
        ([ROW], ledger(ENTRY, replace(ENTRY, broker_order_id="2")), "it was sent 2 times"),
        ([ROW], ledger(replace(ENTRY, status="CANCELLED")), "FILLED here, CANCELLED there"),
        ([ROW], ledger(replace(ENTRY, filled_quantity=15)), "30 filled here, 15 there"),
        ([ROW], ledger(replace(ENTRY, average_price=Decimal(70))), "at 71.35 here, 70 there"),
        ([ROW], ledger(replace(ENTRY, status="OPEN")), "FILLED here, OPEN there"),
    ],
)
def test_every_difference_is_found(ours: list[OrderRow], broker: BrokerLedger, difference: str) -> None:
    comparison = compare(["ZA1234"], ours, [POSITION], broker)
    assert not comparison.agree
    assert any(difference in line for line in table(comparison))


def test_an_order_that_never_left_need_not_be_there() -> None:
    absent = ROW.model_copy(update={"status": OrderState.ABSENT, "filled_quantity": 0})
    assert compare(["ZA1234"], [absent], [], ledger(net=0)).agree


def test_a_position_the_broker_does_not_have_is_a_difference() -> None:
    comparison = compare(["ZA1234"], [ROW], [POSITION], ledger(ENTRY, net=0))
    assert [(net.ours, net.theirs) for net in comparison.nets] == [(-30, 0)]
    assert not comparison.agree
