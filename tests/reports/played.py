"""A user's day in memory, written the way the platform writes it: rows, their events, and the read-models."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from brokers.model import Exchange, Product, Side
from tasks.domain import items
from tasks.domain.changes import Change, aggregate_of
from tasks.domain.day_pnl import legs_of, total
from tasks.domain.ids import Purpose, order_id, position_id
from tasks.project_events import project
from tasks.record_events import record
from tasks.reports.trades import dealt
from tasks.stores.ports import AccountRun, OrderRow, OrderState, Phase
from tests.api.world import World

DAY = date(2026, 11, 23)
ASHA = "asha"


def at(clock: str) -> datetime:
    """IST on the day; seconds may have a fraction."""
    return datetime.fromisoformat(f"{DAY.isoformat()}T{clock}").replace(tzinfo=IST)


@dataclass
class Played:
    """A day. Orders are moved through their states, and each state leaves its events."""

    world: World = field(default_factory=lambda: World(at("09:00")))
    user_id: str = ASHA
    position: int = 0

    @property
    def stores(self) -> Any:
        return self.world.stores

    def catalog(self, item: str, document: dict[str, Any], *, owner: str = "") -> None:
        self.stores.catalog.put(owner or self.user_id, item, document)
        self.world.project()

    def basket(self, basket_id: str, name: str, **strategies: dict[str, Any]) -> None:
        """A basket of the user; strategies by id, each a name and whatever differs from a straddle."""
        stamps = {
            "schema": 1,
            "version": 1,
            "created_at": at("09:00").isoformat(),
            "updated_at": at("09:00").isoformat(),
        }
        named = [one.replace("_", "-") for one in strategies]
        self.catalog(
            items.basket(basket_id),
            {"basket_id": basket_id, "name": name, "kind": "custom", "strategies": named, **stamps},
        )
        sell = {"side": "SELL", "lots": 1, "strike": "ATM"}
        for strategy_id, changed in zip(named, strategies.values(), strict=True):
            document = {
                "strategy_id": strategy_id,
                "basket_id": basket_id,
                "underlying": "BANKNIFTY",
                "entry_time": "09:30",
                "exit_time": "15:15",
                "weekdays": ["MON", "WED", "FRI"],
                "dte": None,
                "legs": [sell | {"right": "CE"}, sell | {"right": "PE"}],
                "accounts": ["ZA1234"],
                "enabled": True,
                **changed,
                **stamps,
            }
            self.catalog(items.strategy(strategy_id), document)

    def run(self, strategy_id: str, account: str, *, basket_id: str = "weekly") -> str:
        """One account's run, flat at the end; its run key."""
        run_key = f"{strategy_id}-{DAY:%Y%m%d}-S"
        plan = AccountRun(
            run_key=run_key,
            account=account,
            broker="zerodha",
            user_id=self.user_id,
            basket_id=basket_id,
            strategy_id=strategy_id,
            trading_date=DAY,
            underlying="BANKNIFTY",
            product=Product.MIS,
            on_leg_reject="unwind",
            phase=Phase.EXITING,
            entry_until=at("09:35"),
            exit_at=at("15:15"),
            legs=(),
        )
        self.stores.runs.plan_account(plan)
        image = {**plan.model_dump(mode="json"), "item": f"ACCT#{account}"}
        self._tell(Change("runs", None, image))
        self.stores.runs.set_phase(run_key, account, Phase.FLAT)
        self._tell(Change("runs", image, image | {"phase": "FLAT"}))
        return run_key

    def skipped(self, strategy_id: str, reason: str, *, basket_id: str = "weekly") -> None:
        claim = {
            "run_key": f"{strategy_id}-{DAY:%Y%m%d}-S",
            "item": "CLAIM#ENTRY",
            "execution": "arn:entry",
            "claimed_at": at("09:28").isoformat(),
            "user_id": self.user_id,
            "basket_id": basket_id,
            "strategy_id": strategy_id,
            "trading_date": DAY.isoformat(),
        }
        self._tell(Change("runs", None, claim))
        self._tell(Change("runs", claim, claim | {"status": "SKIPPED", "reason": reason}))

    def order(
        self,
        strategy_id: str,
        account: str,
        leg: int,
        symbol: str,
        side: str,
        quantity: int,
        quote: str,
        when: str,
        *,
        purpose: Purpose = Purpose.ENTRY,
        basket_id: str = "weekly",
        slice_no: int = 1,
    ) -> OrderRow:
        """The intent of an order, decided at `when`."""
        run_key = f"{strategy_id}-{DAY:%Y%m%d}-S"
        position = position_id(run_key, account, leg)
        row = OrderRow(
            order_id=order_id(purpose, position, slice_no=slice_no, attempt=1),
            position_id=position,
            run_key=run_key,
            account=account,
            broker="zerodha",
            user_id=self.user_id,
            basket_id=basket_id,
            strategy_id=strategy_id,
            trading_date=DAY,
            purpose=purpose,
            leg=leg,
            slice=slice_no,
            attempt=1,
            exchange=Exchange.NFO,
            symbol=symbol,
            exchange_token="1",
            side=Side(side),
            quantity=quantity,
            product=Product.MIS,
            limit_price=Decimal(quote),
            quote=Decimal(quote),
            tick=Decimal("0.05"),
            entry_until=at("09:35"),
            claimed_at=at(when),
        )
        assert self.stores.orders.claim(row)
        self._tell(Change("orders", None, _image(row)))
        return row

    def advance(self, row: OrderRow, status: OrderState, after: float, **more: Any) -> OrderRow:
        """Its next state, `after` seconds from the intent."""
        before = self.stores.orders.get(row.order_id)
        moment = row.claimed_at + timedelta(seconds=after)
        assert self.stores.orders.advance(row.order_id, status, at=moment, **more)
        return self._changed(before)

    def sent(self, row: OrderRow, after: float = 0.08) -> OrderRow:
        before = self.stores.orders.get(row.order_id)
        moment = row.claimed_at + timedelta(seconds=after)
        self.stores.runs.plan_account  # noqa: B018  (the phase is not looked at here)
        self.stores.orders._rows[row.order_id] = before.model_copy(
            update={"status": OrderState.SENDING, "sent_at": moment, "updated_at": moment}
        )
        return self._changed(before)

    def repriced(self, row: OrderRow, price: str, after: float) -> OrderRow:
        before = self.stores.orders.get(row.order_id)
        moment = row.claimed_at + timedelta(seconds=after)
        self.stores.orders.repriced(row.order_id, limit_price=Decimal(price), at=moment)
        return self._changed(before)

    def filled(self, row: OrderRow, price: str, after: float = 1.2, *, number: str = "") -> OrderRow:
        """Sent, accepted and filled."""
        self.sent(row)
        self.advance(row, OrderState.OPEN, 0.19, broker_order_id=number or f"B{self.position}")
        return self.advance(
            row, OrderState.FILLED, after, filled_quantity=row.quantity, average_price=Decimal(price)
        )

    def trade(self, *order: Any, price: str, after: float = 1.2, **more: Any) -> OrderRow:
        return self.filled(self.order(*order, **more), price, after)

    def mark(self, when: str, account: str, blocked: int, **prices: str) -> None:
        self.catalog(
            items.mark(DAY, account),
            {
                "account": account,
                "trading_date": DAY.isoformat(),
                "at": at(when).isoformat(),
                "profit": "0",
                "blocked": str(blocked),
                "available": str(1_000_000 - blocked),
                "prices": prices,
            },
        )

    def close_books(self, account: str) -> None:
        """The broker says what our orders say."""
        rows = [row for row in self.stores.orders._rows.values() if row.account == account]
        whole = total(legs_of(dealt(rows), DAY))
        symbols: dict[str, Decimal] = {}
        for each in dealt(rows):
            cash = each.trade.value if each.trade.side is Side.SELL else -each.trade.value
            symbols[each.leg.symbol] = symbols.get(each.leg.symbol, Decimal(0)) + cash
        nothing = {"outside": "0.00", "difference": "0.00"}
        self.catalog(
            items.day(DAY, account),
            {
                "account": account,
                "trading_date": DAY.isoformat(),
                "day": {
                    "orders": len(rows),
                    "gross": str(whole.gross),
                    "charges": str(whole.charges.total),
                    "net": str(whole.net),
                    "broker": str(whole.gross),
                    "closed_at": at("15:40").isoformat(),
                    "contracts": [
                        {"symbol": name, "ours": str(cash), "broker": str(cash), "agrees": True, **nothing}
                        for name, cash in symbols.items()
                    ],
                    **nothing,
                },
            },
        )

    def _changed(self, before: OrderRow) -> OrderRow:
        after: OrderRow = self.stores.orders.get(before.order_id)
        self._tell(Change("orders", _image(before), _image(after)))
        return after

    def _tell(self, change: Change) -> None:
        self.position += 1
        record(change, f"{self.position:021d}", self.world.runtime)
        project(aggregate_of(change), self.world.runtime)


def _image(row: OrderRow) -> dict[str, Any]:
    return {name: value for name, value in row.model_dump(mode="json").items() if value is not None}


CALL, PUT = "BANKNIFTY26NOV56300CE", "BANKNIFTY26NOV56300PE"
HOSTILE = "<script>alert('owned')</script> & \"Straddle\""


def full_day() -> Played:
    """Three strategies in two accounts: a lost reply, a chase, a rejected leg that was unwound, a skip."""
    day = Played()
    day.catalog(items.PROFILE, {"name": "Asha Rao", "version": 1})
    day.basket(
        "weekly",
        "Weekly income",
        straddle={"name": "Straddle"},
        strangle={"name": "Strangle by premium"},
        monday={"name": "Monday only", "weekdays": ["WED"]},
    )
    for account in ("ZA1234", "ZB5678"):
        day.run("straddle", account)
    day.run("strangle", "ZA1234")
    _straddle(day)
    _strangle(day)
    day.skipped("monday", "trades on WED, and today is MON")
    _marks(day)
    return day


def _straddle(day: Played) -> None:
    day.trade("straddle", "ZA1234", 1, CALL, "SELL", 60, "250.00", "09:30:00.412", price="249.85")
    lost = day.order("straddle", "ZA1234", 2, PUT, "SELL", 60, "240.00", "09:30:00.431")
    day.sent(lost)
    day.advance(lost, OrderState.UNKNOWN, 5.1, reason="no reply within 5 seconds")
    day.advance(lost, OrderState.OPEN, 8.3, broker_order_id="B-lost")
    day.advance(lost, OrderState.FILLED, 8.3, filled_quantity=60, average_price=Decimal("239.60"))
    day.trade("straddle", "ZB5678", 1, CALL, "SELL", 30, "250.00", "09:30:00.520", price="249.90", after=0.9)
    day.trade("straddle", "ZB5678", 2, PUT, "SELL", 30, "240.00", "09:30:00.533", price="239.95", after=1.0)
    out = Purpose.EXIT
    late = day.order("straddle", "ZA1234", 1, CALL, "BUY", 60, "181.20", "15:15:00.300", purpose=out)
    day.sent(late)
    day.advance(late, OrderState.OPEN, 0.2, broker_order_id="B-late")
    day.repriced(late, "183.00", 15)
    day.advance(late, OrderState.FILLED, 17.4, filled_quantity=60, average_price=Decimal("182.95"))
    day.trade("straddle", "ZA1234", 2, PUT, "BUY", 60, "231.00", "15:15:00.310", price="231.25", purpose=out)
    day.trade("straddle", "ZB5678", 1, CALL, "BUY", 30, "181.20", "15:15:00.340", price="181.35", purpose=out)
    day.trade("straddle", "ZB5678", 2, PUT, "BUY", 30, "231.00", "15:15:00.350", price="231.10", purpose=out)


def _strangle(day: Played) -> None:
    """Its put was rejected, so the call was bought back at once."""
    call, put = "BANKNIFTY26NOV57200CE", "BANKNIFTY26NOV55400PE"
    day.trade("strangle", "ZA1234", 1, call, "SELL", 90, "41.50", "10:15:00.200", price="41.35")
    refused = day.order("strangle", "ZA1234", 2, put, "SELL", 90, "39.00", "10:15:00.210")
    day.sent(refused)
    why = "RMS: margin exceeds, cash required 1,42,310.50"
    day.advance(refused, OrderState.REJECTED, 0.3, broker_order_id="B-refused", reason=why)
    day.trade(
        "strangle", "ZA1234", 1, call, "BUY", 90, "42.60", "10:15:06.000", price="42.85", purpose=Purpose.EXIT
    )


def _marks(day: Played) -> None:
    """Every five minutes. The call falls, the put first rises and then falls."""
    for step in range(69):
        moment = at("09:35") + timedelta(minutes=5 * step)
        part = step / 68
        call = Decimal(round((249 - 68 * part + 9 * math.sin(step / 5)) * 20)) / 20
        put = Decimal(round((240 - 9 * part + 22 * math.sin(step / 11) * (1 - part)) * 20)) / 20
        for account, blocked in (("ZA1234", 286_400), ("ZB5678", 143_200)):
            day.mark(f"{moment:%H:%M}", account, blocked + 310 * (step % 7), **{CALL: str(call), PUT: str(put)})
