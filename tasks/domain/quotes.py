"""One shared picture of the prices of an underlying and its options at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.model import Instrument, Quote
from tasks.domain.errors import QuoteMissing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Quotes by `EXCHANGE:SYMBOL`, as `Broker.quotes` returns them. `at` is when they were asked for."""

    at: datetime
    spot: Decimal
    quotes: Mapping[str, Quote]

    def age(self, now: datetime) -> float:
        """Seconds since it was taken."""
        return (now - self.at).total_seconds()

    def to_document(self) -> dict[str, Any]:
        """JSON-shaped. A row is last, bid, ask and time; an empty side of the book is null."""
        return {
            "at": self.at.isoformat(),
            "spot": str(self.spot),
            "quotes": {
                symbol: [str(quote.last), _text(quote.bid), _text(quote.ask), quote.at.isoformat()]
                for symbol, quote in self.quotes.items()
            },
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Snapshot:
        quotes = {symbol: _quote(symbol, row) for symbol, row in document["quotes"].items()}
        return cls(datetime.fromisoformat(document["at"]), Decimal(document["spot"]), quotes)


def quote_key(contract: Instrument) -> str:
    """How brokers name the contract in a quote: `NFO:BANKNIFTY26NOV58400CE`."""
    return f"{contract.id.exchange}:{contract.symbol}"


def quote_of(quotes: Mapping[str, Quote], contract: Instrument) -> Quote:
    """Raises `QuoteMissing`: brokers leave out what they have no price for."""
    quote = quotes.get(quote_key(contract))
    if quote is None:
        raise QuoteMissing(f"the broker gave no quote for {quote_key(contract)}")
    return quote


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(price)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _quote(symbol: str, row: list[Any]) -> Quote:
    last, bid, ask, at = row
    return Quote(symbol, Decimal(last), _decimal(bid), _decimal(ask), datetime.fromisoformat(at))
