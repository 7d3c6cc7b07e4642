"""Until when a position may stay open."""

from __future__ import annotations

from datetime import datetime

import pytest

from brokers.clock import IST
from brokers.model import Product
from tasks.domain.calendar import Session
from tasks.domain.cut_offs import cut_off


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=IST)


WHOLE = Session(at(9, 15), at(15, 40))
SHORT = Session(at(9, 15), at(12, 0))


@pytest.mark.parametrize(
    ("broker", "product", "session", "expected"),
    [
        ("zerodha", Product.MIS, WHOLE, at(15, 25)),
        ("zerodha", Product.NRML, WHOLE, at(15, 40)),
        ("zerodha", Product.MIS, SHORT, at(12, 0)),
        ("somebody-new", Product.MIS, WHOLE, at(15, 10)),
        ("somebody-new", Product.NRML, SHORT, at(12, 0)),
    ],
)
def test_the_earlier_of_broker_and_market(
    broker: str, product: Product, session: Session, expected: datetime
) -> None:
    assert cut_off(broker, product, session) == expected
