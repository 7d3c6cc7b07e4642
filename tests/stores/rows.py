"""Rows to test with: one short call of BANKNIFTY in one account."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from brokers.model import Exchange, Product, Side
from tasks.domain.ids import Purpose, order_id, position_id, run_key
from tasks.stores.ports import AccountRun, OrderRow, Outside, Phase, PlannedLeg, PositionRow

DAY = date(2026, 11, 23)
RUN = run_key("bnf-straddle", DAY)
ACCOUNT = "ZA1234"
AT = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
CALL = "BANKNIFTY26NOV58400CE"


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def an_order(*, leg: int = 1, slice_no: int = 1, account: str = ACCOUNT, **changed: Any) -> OrderRow:
    position = position_id(RUN, account, leg)
    fields: dict[str, Any] = {
        "order_id": order_id(Purpose.ENTRY, position, slice_no=slice_no, attempt=1),
        "position_id": position,
        "run_key": RUN,
        "account": account,
        "broker": "zerodha",
        "user_id": "user-1",
        "basket_id": "basket-1",
        "strategy_id": "bnf-straddle",
        "trading_date": DAY,
        "purpose": Purpose.ENTRY,
        "leg": leg,
        "slice": slice_no,
        "attempt": 1,
        "exchange": Exchange.NFO,
        "symbol": CALL,
        "exchange_token": "43021",
        "side": Side.SELL,
        "quantity": 30,
        "product": Product.MIS,
        "limit_price": Decimal("311.55"),
        "tick": Decimal("0.05"),
        "entry_until": later(300),
        "claimed_at": AT,
    }
    return OrderRow(**fields | changed)


def a_leg(leg: int = 1, account: str = ACCOUNT, run: str = RUN) -> PlannedLeg:
    return PlannedLeg(
        leg=leg,
        position_id=position_id(run, account, leg),
        exchange=Exchange.NFO,
        symbol=CALL,
        exchange_token="43021",
        side=Side.SELL,
        lot_size=30,
        tick=Decimal("0.05"),
        freeze=600,
        slices=(30,),
        limit_price=Decimal("311.55"),
    )


def a_plan(account: str = ACCOUNT, run: str = RUN, **changed: Any) -> AccountRun:
    fields: dict[str, Any] = {
        "run_key": run,
        "account": account,
        "broker": "zerodha",
        "user_id": "user-1",
        "basket_id": "basket-1",
        "strategy_id": "bnf-straddle",
        "trading_date": DAY,
        "underlying": "BANKNIFTY",
        "product": Product.MIS,
        "on_leg_reject": "unwind",
        "phase": Phase.ENTERING,
        "entry_until": later(300),
        "exit_at": datetime(2026, 11, 23, 15, 15, tzinfo=IST),
        "legs": (a_leg(1, account, run), a_leg(2, account, run)),
    }
    return AccountRun(**fields | changed)


def outside(**changed: Any) -> Outside:
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "user_id": "user-1",
        "trading_date": DAY,
        "exchange": Exchange.NFO,
        "symbol": CALL,
        "product": Product.MIS,
        "bought": 30,
        "sold": 0,
        "ours": -30,
        "net": 0,
        "seen_at": AT,
    }
    return Outside(**fields | changed)


def a_position(leg: int = 1, **changed: Any) -> PositionRow:
    fields: dict[str, Any] = {
        "position_id": position_id(RUN, ACCOUNT, leg),
        "run_key": RUN,
        "account": ACCOUNT,
        "user_id": "user-1",
        "basket_id": "basket-1",
        "strategy_id": "bnf-straddle",
        "trading_date": DAY,
        "exchange": Exchange.NFO,
        "symbol": CALL,
        "exchange_token": "43021",
        "side": Side.SELL,
    }
    return PositionRow(**fields | changed)
