"""Where the bars of a series come from: today's from the feed, older ones from the broker, once a day.

Where the feed has not heard every minute, because none runs or it was blind, the broker's historical bars of
today stand in. The broker takes three such calls a second: a series that can't be had now is unknown, and
looked at again a minute later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from brokers.errors import BrokerError
from brokers.model import Bar, InstrumentId
from tasks.domain.bars import bars_document, bars_from
from tasks.domain.calendar import Session, TradingCalendar
from tasks.domain.errors import CalendarExhausted
from tasks.domain.signals.timeframes import last_closed, resampled
from tasks.runtime import Runtime

MOST_BARS = 4000
"""Of one series that are kept: about 250 KB, of the 400 that an item may have."""

_SHORTEST_DAY = 375
"""Minutes of a session, at least."""


@dataclass(slots=True)
class Bars:
    """One scan's bars. What was asked for once is not asked for again.

    Parameters
    ----------
    account
        Whose session asks for history.
    ids
        The numbers of the symbols that may be asked for.
    needed
        How many bars of the days before, by symbol and timeframe.
    """

    rt: Runtime
    account: str
    session: Session
    now: datetime
    needed: dict[str, dict[int, int]]
    ids: dict[str, InstrumentId] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    _minutes: dict[str, list[Bar]] = field(default_factory=dict)

    def find(self, symbol: str, timeframe: int) -> Sequence[Bar]:
        """Closed bars up to now, oldest first; none where neither feed nor broker has them."""
        try:
            return [*self._older(symbol, timeframe), *self._today(symbol, timeframe)]
        except BrokerError as error:
            self.troubles.append(f"{symbol}: {error}")
            return []

    def minutes(self, symbol: str) -> list[Bar]:
        """Today's one-minute bars, as the feed has them."""
        if symbol not in self._minutes:
            self._minutes[symbol] = self.rt.stores.bars.day(symbol, self._day)
        return self._minutes[symbol]

    @property
    def _day(self) -> date:
        return self.session.opens.date()

    def _today(self, symbol: str, timeframe: int) -> Sequence[Bar]:
        heard = resampled(self.minutes(symbol), timeframe, self.session, now=self.now)
        newest = last_closed(self.now, timeframe, self.session)
        if newest is None or (heard and heard[-1].start == newest and self._from_the_open(symbol)):
            return heard
        return self._ask(symbol, timeframe, self.session.opens, self.now) or heard

    def _from_the_open(self, symbol: str) -> bool:
        """Whether the feed has heard every minute so far."""
        bars = self.minutes(symbol)
        return bool(bars) and len(bars) == (bars[-1].start - self.session.opens) // timedelta(minutes=1) + 1

    def _older(self, symbol: str, timeframe: int) -> Sequence[Bar]:
        wanted = min(self.needed.get(symbol, {}).get(timeframe, 0), MOST_BARS)
        if not wanted:
            return []
        item = f"HISTORY#{timeframe}"
        known = self.rt.stores.market.get(symbol, item)
        if known and known["before"] == self._day.isoformat() and known["wanted"] >= wanted:
            return bars_from(known["bars"])
        since = _sessions_back(self._day, -(-wanted * timeframe // _SHORTEST_DAY) + 1)
        bars = self._ask(symbol, timeframe, since, self.session.opens)[-MOST_BARS:]
        if bars:
            document = {"before": self._day.isoformat(), "wanted": wanted, "bars": bars_document(bars)}
            self.rt.stores.market.put(symbol, item, document)
        return bars

    def _ask(self, symbol: str, timeframe: int, start: datetime, end: datetime) -> Sequence[Bar]:
        instrument = self.ids.get(symbol)
        if instrument is None:
            self.troubles.append(f"{symbol}: no broker's list has it")
            return []
        reader = self.rt.brokers.reader(self.account)
        return reader.bars(instrument, minutes=timeframe, start=start, end=end)


def _sessions_back(day: date, count: int) -> datetime:
    """The open of the session so many before `day`, or as far back as the calendar reaches."""
    calendar = TradingCalendar.load()
    for _ in range(count):
        try:
            day = calendar.previous_session(day)
        except CalendarExhausted:
            break
    session = calendar.session(day)
    assert session is not None, f"{day} is a session"  # noqa: S101
    return session.opens
