"""What an order costs: margin to be blocked and charges to be paid. A likeness, not a contract note.

Rates are those of index options; each table row is in force from its date on (fractions of the turnover).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from brokers.simulator.instruments import Contract
from brokers.simulator.replies import number

STT_ON_SALE = ((date(2000, 1, 1), Decimal("0.001")), (date(2026, 4, 1), Decimal("0.0015")))
NSE_TURNOVER = ((date(2000, 1, 1), Decimal("0.0003503")), (date(2026, 3, 1), Decimal("0.000355299")))
BSE_TURNOVER = ((date(2000, 1, 1), Decimal("0.000325")),)
SEBI_FEE = Decimal("0.000001")
STAMP_ON_PURCHASE = Decimal("0.00003")
GST = Decimal("0.18")
BROKERAGE = Decimal(20)

SPAN_SHARE = Decimal("0.09")
EXPOSURE_SHARE = Decimal("0.02")
HEDGED_SHARE = Decimal("0.35")
"""A short with a long of the same right and expiry beside it blocks about this part of its span."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A leg with what it would trade at, in rupees."""

    contract: Contract
    side: str
    quantity: int
    price: Decimal
    spot: Decimal

    @property
    def premium(self) -> Decimal:
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Margin:
    """Rupees. A buyer pays the premium, a seller blocks span and exposure."""

    span: Decimal
    exposure: Decimal
    option_premium: Decimal

    @property
    def total(self) -> Decimal:
        return self.span + self.exposure + self.option_premium


def margin(leg: Priced, *, hedged: bool = False) -> Margin:
    """What one leg blocks."""
    if leg.side == "BUY" and leg.contract.is_option:
        return Margin(Decimal(0), Decimal(0), leg.premium)
    notional = leg.spot * leg.quantity
    span = notional * SPAN_SHARE * (HEDGED_SHARE if hedged else 1)
    return Margin(_paise(span), _paise(notional * EXPOSURE_SHARE), Decimal(0))


def basket_margin(legs: list[Priced]) -> Margin:
    """What the legs block together: shorts that have a long of their right and expiry count as hedged."""
    longs = {(leg.contract.right, leg.contract.expiry) for leg in legs if leg.side == "BUY"}
    parts = [margin(leg, hedged=(leg.contract.right, leg.contract.expiry) in longs) for leg in legs]
    return Margin(
        sum((part.span for part in parts), Decimal(0)),
        sum((part.exposure for part in parts), Decimal(0)),
        sum((part.option_premium for part in parts), Decimal(0)),
    )


def margin_row(leg: Priced, blocked: Margin, day: date) -> dict[str, Any]:
    """One leg as `/margins/orders` answers it."""
    return {
        "type": "equity",
        "tradingsymbol": leg.contract.symbol,
        "exchange": leg.contract.exchange,
        **_margin_amounts(blocked),
        "charges": charges(leg, day),
    }


def total_row(blocked: Margin) -> dict[str, Any]:
    """A whole basket's margin in the same form."""
    return {"type": "equity", "tradingsymbol": "", "exchange": "", **_margin_amounts(blocked)}


def _margin_amounts(blocked: Margin) -> dict[str, Any]:
    zeros = dict.fromkeys(("additional", "bo", "cash", "var"), 0)
    return {
        "span": number(blocked.span),
        "exposure": number(blocked.exposure),
        "option_premium": number(blocked.option_premium),
        **zeros,
        "pnl": {"realised": 0, "unrealised": 0},
        "leverage": 1,
        "total": number(blocked.total),
    }


def charges(leg: Priced, day: date) -> dict[str, Any]:
    """What one executed order is charged, in rupees."""
    turnover = leg.premium
    stt = turnover * _rate(STT_ON_SALE, day) if leg.side == "SELL" else Decimal(0)
    exchange = turnover * _rate(NSE_TURNOVER if leg.contract.exchange == "NFO" else BSE_TURNOVER, day)
    sebi = turnover * SEBI_FEE
    stamp = turnover * STAMP_ON_PURCHASE if leg.side == "BUY" else Decimal(0)
    gst = (BROKERAGE + exchange + sebi) * GST
    return {
        "transaction_tax": float(stt),
        "transaction_tax_type": "stt",
        "exchange_turnover_charge": float(exchange),
        "sebi_turnover_charge": float(sebi),
        "brokerage": float(BROKERAGE),
        "stamp_duty": float(stamp),
        "gst": {"igst": float(gst), "cgst": 0, "sgst": 0, "total": float(gst)},
        "total": float(stt + exchange + sebi + BROKERAGE + stamp + gst),
    }


def funds(cash: Decimal, blocked: Margin, profit: Decimal) -> dict[str, Any]:
    """One segment of `/user/margins`."""
    used = blocked.total - profit
    return {
        "enabled": True,
        "net": number(_paise(cash - used)),
        "available": {
            "adhoc_margin": 0,
            "cash": number(cash),
            "opening_balance": number(cash),
            "live_balance": number(_paise(cash - used)),
            "collateral": 0,
            "intraday_payin": 0,
        },
        "utilised": {
            "debits": number(_paise(used)),
            "exposure": number(blocked.exposure),
            "m2m_realised": number(_paise(-profit)),
            "m2m_unrealised": 0,
            "option_premium": number(_paise(blocked.option_premium)),
            "payout": 0,
            "span": number(blocked.span),
            "holding_sales": 0,
            "turnover": 0,
            "liquid_collateral": 0,
            "stock_collateral": 0,
            "delivery": 0,
        },
    }


def _rate(rows: Iterable[tuple[date, Decimal]], day: date) -> Decimal:
    return [rate for since, rate in rows if since <= day][-1]


def _paise(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))
