"""Zerodha's stream, through the unmodified `KiteTicker`.

What the client leaves to its user is decided here. It never sends a ping (5.2.2 schedules the time and sends
nothing), so it doesn't notice a dead connection: Kite sends at least a byte a second, and a connection on which
nothing came for `SILENCE` is cut. It waits 2.7 s before it first connects again and keeps the token it was made
with: a fresh client takes over at once instead. Twisted's reactor starts once in a process, on a thread of its
own, and everything about a connection happens on that thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from kiteconnect.ticker import KiteTicker, reactor
from twisted.internet.task import LoopingCall

from brokers.clock import Clock
from brokers.model import InstrumentId, Tick
from brokers.stream import StreamListener, TooManyInstruments
from brokers.zerodha.books import order_of
from brokers.zerodha.credentials import Credentials
from brokers.zerodha.ticks import kite_token, tick_of

ROOT = "wss://ws.kite.trade"
MOST_CONNECTIONS = 3
"""Of one API key. The instance that stands by has none."""

MOST_INSTRUMENTS = 3_000
"""Of one connection."""

SILENCE = 3.0
"""Seconds without a byte after which a connection is dead."""

CONNECT_WITHIN = 5.0
PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a lost connection is made again: at once, then slower while it does not come up."""

CHECK_EVERY = 0.25
FULL = KiteTicker.MODE_FULL
REFUSED = "403"

logger = logging.getLogger(__name__)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def run_reactor() -> None:
    """Start Twisted's reactor, unless this process has done so before."""
    global _thread  # noqa: PLW0603  (there is one reactor, and it starts once)
    with _starting:
        if _thread is None:
            _thread = threading.Thread(
                target=reactor.run, kwargs={"installSignalHandlers": False}, name="reactor", daemon=True
            )
            _thread.start()


class KiteStream:
    """One account's ticks and order updates. See `brokers.stream.Stream`."""

    def __init__(
        self, credentials: Credentials, listener: StreamListener, *, clock: Clock, root: str | None = None
    ) -> None:
        self._credentials = credentials
        self._listener = listener
        self._clock = clock
        self._root = root or ROOT
        self._symbols: dict[int, str] = {}
        self._lines = [_Line(self, number) for number in range(MOST_CONNECTIONS)]
        self._watch = LoopingCall(self._check)
        self._closed = False

    def __repr__(self) -> str:
        return f"KiteStream(account={self._credentials.account!r})"

    def connect(self) -> None:
        run_reactor()
        reactor.callFromThread(self._begin)

    def follow(self, wanted: Mapping[str, InstrumentId]) -> None:
        if len(wanted) > MOST_CONNECTIONS * MOST_INSTRUMENTS:
            raise TooManyInstruments(
                f"{len(wanted)} instruments: Kite gives an account {MOST_CONNECTIONS * MOST_INSTRUMENTS}"
            )
        tokens = {kite_token(instrument): symbol for symbol, instrument in wanted.items()}
        reactor.callFromThread(self._follow, tokens)

    def close(self) -> None:
        reactor.callFromThread(self._end)

    # On the reactor's thread

    def _begin(self) -> None:
        if not self._closed and not self._watch.running:
            self._lines[0].begin()  # order updates come on any connection, also without an instrument
            self._watch.start(CHECK_EVERY, now=False)

    def _follow(self, tokens: dict[int, str]) -> None:
        """Instruments stay on their connection; new ones go where there is room."""
        self._symbols = tokens
        new = set(tokens) - {token for line in self._lines for token in line.wanted}
        fresh = iter(sorted(new))
        for line in self._lines:
            kept = line.wanted & tokens.keys()
            line.want(kept | set(islice(fresh, MOST_INSTRUMENTS - len(kept))))

    def _check(self) -> None:
        for line in self._lines:
            line.check()

    def _end(self) -> None:
        self._closed = True
        if self._watch.running:
            self._watch.stop()
        for line in self._lines:
            line.close()

    # What the lines tell

    def up(self) -> None:
        self._guard(self._listener.on_up)

    def down(self, reason: str, *, refused: bool) -> None:
        if refused:
            self._end()
        self._guard(lambda: self._listener.on_down(reason, refused=refused))

    def ticks(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """In full mode only: the answer to a subscription comes in quote mode, says no time, and may be old."""
        now = self._clock.now()
        known = ((self._symbols.get(row["instrument_token"]), row) for row in rows if row["mode"] == FULL)
        ticks: list[Tick] = [tick_of(symbol, row, now) for symbol, row in known if symbol]
        if ticks:
            self._guard(lambda: self._listener.on_ticks(ticks))

    def order(self, row: Mapping[str, Any]) -> None:
        self._guard(lambda: self._listener.on_order(order_of(row, self._clock.now())))

    def client(self) -> Any:
        """A fresh KiteTicker."""
        return KiteTicker(self._credentials.api_key, self._credentials.access_token, root=self._root)

    def _guard(self, tell: Callable[[], None]) -> None:
        """An exception in a callback would make autobahn close the connection."""
        try:
            tell()
        except Exception:
            logger.exception("the stream's listener failed")


class _Line:
    """One connection at a time, with up to 3,000 instruments. Everything on the reactor's thread."""

    def __init__(self, stream: KiteStream, number: int) -> None:
        self._stream = stream
        self._number = number
        self._ticker: Any = None
        self._socket: Any = None
        self._opened_at = 0.0
        self._alive_at = 0.0
        self._again_at: float | None = None
        self._failures = 0
        self.wanted: set[int] = set()

    def begin(self) -> None:
        """Connect, unless it does already: what it follows may have been told first."""
        if self._ticker is None:
            self.open()

    def open(self) -> None:
        ticker = self._ticker = self._stream.client()
        ticker.on_connect = lambda *_: self._on_connect(ticker)
        ticker.on_message = lambda *_: self._on_message(ticker)
        ticker.on_ticks = lambda _, rows: self._stream.ticks(rows) if ticker is self._ticker else None
        ticker.on_order_update = lambda _, row: self._stream.order(row) if ticker is self._ticker else None
        ticker.on_close = lambda _, __, reason: self._on_close(ticker, str(reason))
        self._again_at, self._socket = None, None
        self._opened_at = time.monotonic()
        ticker.connect(threaded=True)  # the reactor runs, so this only begins to connect

    def want(self, tokens: set[int]) -> None:
        """Follow exactly these."""
        before, self.wanted = self.wanted, tokens
        if self._ticker is None:
            if tokens and self._again_at is None:
                self.open()
        elif self._socket is not None:
            gone, new = sorted(before - tokens), sorted(tokens - before)
            if gone:
                self._ticker.unsubscribe(gone)
            self._subscribe(new)

    def check(self) -> None:
        """Cut a dead connection, give up one that doesn't come up, make a lost one again."""
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self.open()
        elif self._socket is not None and now - self._alive_at > SILENCE:
            self._lose(f"nothing came for {SILENCE:.0f} s")
        elif self._ticker is not None and self._socket is None and now - self._opened_at > CONNECT_WITHIN:
            self._lose(f"no connection within {CONNECT_WITHIN:.0f} s")

    def close(self) -> None:
        self._drop()
        self._again_at = None

    def _on_connect(self, ticker: Any) -> None:
        if ticker is not self._ticker:
            return
        self._socket, self._alive_at = ticker.ws, time.monotonic()
        reactor.callLater(0, self._greet, ticker)  # after the handshake: nothing can be sent before

    def _greet(self, ticker: Any) -> None:
        if ticker is self._ticker and self._socket is not None:
            self._failures = 0
            self._subscribe(sorted(self.wanted))
            self._stream.up()

    def _subscribe(self, tokens: list[int]) -> None:
        if tokens:
            self._ticker.subscribe(tokens)
            self._ticker.set_mode(FULL, tokens)

    def _on_message(self, ticker: Any) -> None:
        if ticker is self._ticker:
            self._alive_at = time.monotonic()

    def _on_close(self, ticker: Any, reason: str) -> None:
        if ticker is self._ticker:
            self._lose(reason)

    def _lose(self, reason: str) -> None:
        self._drop()
        refused = REFUSED in reason
        if not refused:
            pause = PAUSES[min(self._failures, len(PAUSES) - 1)]
            self._failures += 1
            self._again_at = time.monotonic() + pause
        self._stream.down(f"connection {self._number + 1}: {reason}", refused=refused)

    def _drop(self) -> None:
        """Leave the client to itself: it must not connect again, and nothing it says counts any more."""
        ticker, socket = self._ticker, self._socket
        self._ticker = self._socket = None
        if ticker is not None:
            ticker.stop_retry()
        if socket is not None:
            socket.dropConnection(abort=True)
