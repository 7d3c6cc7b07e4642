"""Strike resolution on a chain that is already loaded, and loading that chain."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from brokers.clock import IST
from brokers.model import Exchange, Instrument, InstrumentId, Quote, Right, Side
from tasks.domain.chain import Chain
from tasks.domain.quotes import quote_key
from tasks.domain.strategy import AnyStrike, AtmStrike, Compare, ExactStrike, Leg, PremiumStrike
from tasks.domain.strike_rules import DeltaStrike
from tasks.domain.strikes import resolve

_SPOT = Decimal("58412.35")
_REFERENCE = "OpenAlgo: 12.4 to 14.6 ms with a quote; our target 50 µs without"
_BATCHES, _CALLS = 25, 400
_EXPIRY = date(2026, 11, 23)
_AT = datetime(2026, 11, 23, 9, 29, 58, tzinfo=IST)


def run() -> list[dict[str, object]]:
    """Medians in microseconds."""
    chain, quotes = _chain()
    text = json.dumps(chain.to_document())

    def one(leg: Leg) -> Callable[[], object]:
        return lambda: resolve(chain, leg, spot=_SPOT, quotes=quotes, at=_AT)

    return [
        _row("strikes: ATM", one(_leg(AtmStrike())), _REFERENCE),
        _row("strikes: ATM+5", one(_leg(AtmStrike(offset=5))), _REFERENCE),
        _row("strikes: exact", one(_leg(ExactStrike(strike=Decimal(58400)))), _REFERENCE),
        _row(
            "strikes: premium at least 120",
            one(_leg(PremiumStrike(compare=Compare.AT_LEAST, premium=Decimal(120)))),
            _REFERENCE,
        ),
        _row("strikes: delta ~ 0.3 of the whole chain", one(_leg(DeltaStrike(delta=Decimal("0.3")))), ""),
        _row(
            f"strikes: load a chain of {len(chain.contracts)} contracts from its document",
            lambda: Chain.from_document(json.loads(text)),
            "",
        ),
    ]


def _row(name: str, call: Callable[[], object], reference: str) -> dict[str, object]:
    return {"name": name, "value": round(_microseconds(call), 1), "unit": "µs", "reference": reference}


def _microseconds(call: Callable[[], object]) -> float:
    """The median over batches of the mean call; a batch never takes longer than about 0.1 s."""
    started = time.perf_counter()
    call()
    calls = max(1, min(_CALLS, int(0.1 / max(time.perf_counter() - started, 1e-6))))
    return statistics.median(_batch(call, calls) for _ in range(_BATCHES)) * 1e6


def _batch(call: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def _leg(strike: AnyStrike) -> Leg:
    return Leg(side=Side.SELL, right=Right.CE, lots=1, strike=strike)


def _chain() -> tuple[Chain, dict[str, Quote]]:
    """BANKNIFTY's near month: 167 strikes, calls and puts, each with a quote that falls away from the money."""
    rows = [
        Instrument(
            id=InstrumentId(Exchange.NFO, str(40_000 + 2 * number + (right is Right.PE))),
            symbol=f"BANKNIFTY26NOV{strike}{right}",
            underlying="BANKNIFTY",
            expiry=_EXPIRY,
            strike=Decimal(strike),
            right=right,
            lot_size=30,
            tick=Decimal("0.05"),
        )
        for number, strike in enumerate(range(50_100, 66_800, 100))
        for right in (Right.CE, Right.PE)
    ]
    quotes = {quote_key(row): _quote(row) for row in rows}
    return Chain.of(rows), quotes


def _quote(row: Instrument) -> Quote:
    out = row.strike - _SPOT if row.right is Right.CE else _SPOT - row.strike
    last = max(Decimal("0.05"), (300 - out / 4).quantize(Decimal("0.05")))
    return Quote(quote_key(row), last, last - Decimal("0.05"), last + Decimal("0.05"), _AT)
