"""One account and one order, as the tests of this folder use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Exchange, OrderRequest, Product, Side
from brokers.zerodha import Credentials, Zerodha

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=IST)
CREDENTIALS = Credentials("ZA1234", "kkkkeyvalue", "sssecretvalue", "tttokenvalue")
ORDER = OrderRequest(
    tag="N0123456789ABCDEF101",
    exchange=Exchange.NFO,
    symbol="BANKNIFTY26NOV58000CE",
    side=Side.SELL,
    quantity=30,
    price=Decimal("412.35"),
    product=Product.MIS,
)

Connect = Callable[..., Zerodha]
