"""Zerodha behind the `Broker` protocol."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from brokers.clock import IST, Clock
from brokers.errors import BrokerUnavailable, RequestRefused, TokenExpired
from brokers.model import (
    Accepted,
    Bar,
    BrokerOrder,
    ChangeOutcome,
    Exchange,
    Fill,
    Funds,
    Instrument,
    InstrumentId,
    NetPosition,
    NotSent,
    OrderRequest,
    Placed,
    PlaceOutcome,
    Quote,
    Rejected,
    Unknown,
)
from brokers.zerodha.books import fill_of, funds_of, identifier_of, orders_of, positions_of, quote_of
from brokers.zerodha.candles import INTERVALS, bars_of, parse_indices, spans
from brokers.zerodha.credentials import Credentials
from brokers.zerodha.failures import read_error, send_outcome
from brokers.zerodha.http import Wire, check_proxy_url, open_wire, secrets_of_proxy, sending
from brokers.zerodha.instruments import UnreadableInstruments, parse_instruments
from brokers.zerodha.ticks import kite_token

T = TypeVar("T")

MAX_QUOTES = 500
"""Instruments in one /quote call."""

_ORDER_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Zerodha:
    """One account's session at Zerodha, through the official client. For one thread at a time.

    Parameters
    ----------
    root
        Instead of https://api.kite.trade: the simulator's address, without a path.
    proxy_url
        The account's registered egress. Orders, modifications and cancellations go through it; reads don't,
        because Kite takes those from anywhere.
    algo_id
        Goes with every order that is placed; "" for none.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        clock: Clock,
        root: str | None = None,
        proxy_url: str | None = None,
        algo_id: str = "",
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._root = root
        self._algo_id = algo_id
        self._proxy_url = check_proxy_url(proxy_url) if proxy_url else None
        self._secrets = (*secrets_of_proxy(proxy_url), *credentials.secrets)

    @cached_property
    def _reader(self) -> Wire:
        """Opened by the first read: who only sends needs none."""
        return open_wire(self._credentials, self._root)

    def __repr__(self) -> str:
        return f"Zerodha(account={self.account!r})"

    @property
    def account(self) -> str:
        return self._credentials.account

    def check_session(self) -> None:
        """Raise `TokenExpired` unless Kite takes this session, and as this account's owner."""
        user_id = self._read(lambda kite: kite.profile(), lambda profile: profile["user_id"])
        if user_id != self._credentials.user_id:
            raise TokenExpired(
                f"the session is {user_id}'s, not {self._credentials.user_id}'s: the owner has to log in",
                account=self.account,
            )

    def instruments(
        self, exchange: Exchange, underlyings: Container[str] | None = None
    ) -> Iterator[Instrument]:
        """Options and futures listed today on `exchange`, of these `underlyings` if given.

        Raises
        ------
        BrokerError
            At once if the file can't be had, while iterating if a row can't be read.
        """
        route, where = "market.instruments", {"exchange": exchange.value}
        content: bytes = self._read(lambda kite: kite._get(route, url_args=where), _bytes_of)
        return self._instruments(content, exchange, underlyings)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Newest quotes by `EXCHANGE:SYMBOL`. What Kite doesn't know is absent.

        Raises
        ------
        RequestRefused
            For more than 500 symbols, without asking Kite: it takes one call a second, so batches are the
            caller's to pace.
        """
        if len(symbols) > MAX_QUOTES:
            raise RequestRefused(
                f"{len(symbols)} quotes asked, Kite gives {MAX_QUOTES} a call", account=self.account
            )
        if not symbols:
            return {}
        now = self._clock.now()
        return self._read(
            lambda kite: kite.quote(list(symbols)),
            lambda answer: {symbol: quote_of(symbol, row, now) for symbol, row in answer.items()},
        )

    def indices(self) -> Mapping[str, InstrumentId]:
        """Of both exchanges, from the day's instruments."""
        return self._indices(Exchange.NSE) | self._indices(Exchange.BSE)

    def _indices(self, exchange: Exchange) -> dict[str, InstrumentId]:
        route, where = "market.instruments", {"exchange": exchange.value}
        content: bytes = self._read(lambda kite: kite._get(route, url_args=where), _bytes_of)
        return parse_indices(io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    def bars(self, instrument: InstrumentId, *, minutes: int, start: datetime, end: datetime) -> Sequence[Bar]:
        """Closed candles, oldest first, in as many calls as the span needs.

        Raises
        ------
        RateLimited
            Above three calls a second: pacing is the caller's.
        ValueError
            For a length that Kite has no candles of.
        """
        found: dict[datetime, Bar] = {}
        for since, until in spans(minutes, start.astimezone(IST), end.astimezone(IST)):
            found |= {bar.start: bar for bar in self._candles(instrument, minutes, since, until)}
        length = timedelta(minutes=minutes)
        return [found[at] for at in sorted(found) if at >= start and at + length <= end]

    def _candles(self, instrument: InstrumentId, minutes: int, start: datetime, end: datetime) -> list[Bar]:
        terms = (kite_token(instrument), start, end, INTERVALS[minutes])
        return self._read(lambda kite: kite.historical_data(*terms), bars_of)

    def place(self, order: OrderRequest) -> PlaceOutcome:
        """Send a regular limit order for the day, once."""
        terms = {
            "variety": "regular",
            "exchange": order.exchange.value,
            "tradingsymbol": order.symbol,
            "transaction_type": order.side.value,
            "quantity": order.quantity,
            "product": order.product.value,
            "order_type": "LIMIT",
            "price": _price(order.price),
            "validity": "DAY",
            "tag": order.tag,
            **({"algo_id": self._algo_id} if self._algo_id else {}),
        }
        return self._send(lambda kite: kite.place_order(**terms), _placed)

    def modify(self, broker_order_id: str, *, price: Decimal) -> ChangeOutcome:
        """Move a working order's limit. Kite takes 25 modifications of one order."""
        if not _ORDER_ID.fullmatch(broker_order_id):
            return Rejected(f"{broker_order_id!r} is no order id of Kite's")
        terms = {"order_type": "LIMIT", "price": _price(price), "validity": "DAY"}
        return self._send(lambda kite: kite.modify_order("regular", broker_order_id, **terms), _accepted)

    def cancel(self, broker_order_id: str) -> ChangeOutcome:
        """Ask to cancel. What filled before stays filled: the order book says how much."""
        if not _ORDER_ID.fullmatch(broker_order_id):
            return Rejected(f"{broker_order_id!r} is no order id of Kite's")
        return self._send(lambda kite: kite.cancel_order("regular", broker_order_id), _accepted)

    def orders(self) -> Sequence[BrokerOrder]:
        """The whole day's book, oldest first."""
        now = self._clock.now()
        return self._read(lambda kite: kite.orders(), lambda rows: orders_of(rows, now))

    def trades(self) -> Sequence[Fill]:
        now = self._clock.now()
        return self._read(lambda kite: kite.trades(), lambda rows: [fill_of(row, now) for row in rows])

    def positions(self) -> Sequence[NetPosition]:
        """The net of the day in each contract, in MIS and NRML."""
        return self._read(lambda kite: kite.positions(), positions_of)

    def funds(self) -> Funds:
        """Of the segment that derivatives are in."""
        return self._read(lambda kite: kite.margins("equity"), funds_of)

    def _read(self, ask: Callable[[Any], Any], understand: Callable[[Any], T]) -> T:
        wire = self._reader
        wire.status = None
        try:
            return understand(ask(wire.kite))
        except Exception as error:  # noqa: BLE001  (every failure has a meaning, see `failures`)
            raise read_error(error, wire.status, self._secrets, self.account) from None

    def _send(
        self, tell: Callable[[Any], object], understand: Callable[[object], T]
    ) -> T | Rejected | NotSent | Unknown:
        with sending(self._credentials, self._root, self._proxy_url) as wire:
            try:
                return understand(tell(wire.kite))
            except Exception as error:  # noqa: BLE001  (an unforeseen failure of a send is Unknown, never an exception)
                return send_outcome(error, wire.status, self._secrets)

    def _instruments(
        self, content: bytes, exchange: Exchange, underlyings: Container[str] | None
    ) -> Iterator[Instrument]:
        try:
            yield from parse_instruments(io.TextIOWrapper(io.BytesIO(content), "utf-8"), exchange, underlyings)
        except (UnreadableInstruments, UnicodeDecodeError) as error:
            raise BrokerUnavailable(str(error), account=self.account) from None


def _price(price: Decimal) -> str:
    """As Kite takes it: never in scientific notation."""
    return f"{price:f}"


def _placed(order_id: object) -> Placed:
    return Placed(identifier_of({"order_id": order_id}, "order_id"))


def _accepted(_: object) -> Accepted:
    return Accepted()


def _bytes_of(answer: object) -> bytes:
    if not isinstance(answer, bytes):
        raise TypeError("the instrument master is not a CSV file")
    return answer
