"""Kite's ticker: who listens to what, and what is sent each second.

While the market is open, every second of the simulator's clock sends one frame with the subscribed instruments;
a subscription is answered at once with what stands. Where there is nothing to send, one byte a second of wall
time says that the line is good. Order updates go to their owner as text, as a postback does but without a
checksum. Frames can be kept back, repeated or not sent, as the switches want it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from brokers.clock import IST
from brokers.simulator.auth import Account
from brokers.simulator.exchange import Update
from brokers.simulator.faults import Call, Fault, FaultKind, Faults
from brokers.simulator.instruments import Contract, Listing
from brokers.simulator.market import Market
from brokers.simulator.packets import HEARTBEAT, Mode, frame, packet
from brokers.simulator.postbacks import postback_body
from brokers.simulator.replies import KiteError
from brokers.simulator.underlyings import Index

MOST_CONNECTIONS = 3
"""Of one API key at the same time."""

MOST_INSTRUMENTS = 3_000
"""Of one connection."""

POLICY = 1008
ONE_FRAME = timedelta(seconds=0.9)
MOST_MISSED = 60
"""Seconds of a jump that are sent one by one; of a longer one only the last is."""

HEARTBEAT_EVERY = 1.0
"""Seconds of wall time."""


class Socket(Protocol):
    """A client's connection, as the ticker needs it. `dead`: nothing is sent or read any more."""

    dead: bool

    def send(self, message: bytes | str) -> None: ...

    def ping(self) -> asyncio.Future[None]: ...

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...


@dataclass(slots=True)
class Listener:
    """One connection and what it has subscribed to."""

    socket: Socket
    account: Account
    access_token: str = field(repr=False)
    modes: dict[int, Mode] = field(default_factory=dict)
    late_until: datetime | None = None
    late_by: timedelta = timedelta()
    kept_back: list[tuple[datetime, bytes]] = field(default_factory=list)
    last_frame: bytes = b""
    sent_at: float = 0.0


class Ticker:
    """All connections.

    Parameters
    ----------
    check
        Raises `KiteError` unless API key and access token are those of a session; the account.
    listing
        What can be quoted at a moment.
    """

    def __init__(
        self,
        market: Market,
        faults: Faults,
        *,
        check: Callable[[str, str], Account],
        listing: Callable[[datetime], Listing],
        now: Callable[[], datetime],
        is_open: Callable[[datetime], bool],
    ) -> None:
        self._market = market
        self._faults = faults
        self._check = check
        self._listing = listing
        self._now = now
        self._is_open = is_open
        self._listeners: dict[Socket, Listener] = {}
        self._silent: dict[str, datetime] = {}
        self._dead: dict[str, datetime] = {}
        self._second = 0
        self._packets: dict[tuple[int, Mode], bytes] = {}
        self._packed_at = 0
        self.frames = 0
        """Sent so far, to all."""

    # The sockets' side

    def admit(self, api_key: str, access_token: str) -> Account:
        """Who connects.

        Raises
        ------
        KiteError
            403 for a session that is none, 429 for one connection too many.
        """
        account = self._check(api_key, access_token)
        if sum(each.account == account for each in self._listeners.values()) >= MOST_CONNECTIONS:
            raise KiteError(429, "NetworkException", "Too many connections")
        return account

    def welcome(self, socket: Socket, account: Account, access_token: str) -> None:
        self._listeners[socket] = Listener(socket, account, access_token)
        socket.dead = self._in_force(self._dead, account, self._now())

    def forget(self, socket: Socket) -> None:
        self._listeners.pop(socket, None)

    def hear(self, socket: Socket, said: Any) -> None:
        """`{"a": "subscribe" | "unsubscribe", "v": [tokens]}` or `{"a": "mode", "v": [mode, [tokens]]}`."""
        listener = self._listeners.get(socket)
        if listener is None:
            return
        match said:
            case {"a": "subscribe", "v": [*tokens]} if _numbers(tokens):
                self._subscribe(listener, tokens, Mode.QUOTE)
            case {"a": "unsubscribe", "v": [*tokens]} if _numbers(tokens):
                for token in tokens:
                    listener.modes.pop(token, None)
            case {"a": "mode", "v": [("ltp" | "quote" | "full") as mode, [*tokens]]} if _numbers(tokens):
                known = [token for token in tokens if token in listener.modes]
                self._subscribe(listener, known, Mode(mode))
            case _:
                self._complain(listener, "Invalid message")

    def _subscribe(self, listener: Listener, tokens: list[int], mode: Mode) -> None:
        if len(listener.modes.keys() | set(tokens)) > MOST_INSTRUMENTS:
            self._complain(listener, f"Too many instruments: at most {MOST_INSTRUMENTS} on one connection")
            return
        listener.modes |= dict.fromkeys(tokens, mode)
        self._send_ticks(listener, tokens, self._now())

    def _complain(self, listener: Listener, message: str) -> None:
        listener.socket.send(json.dumps({"type": "error", "data": message}))

    # The world's side

    @property
    def connections(self) -> int:
        return len(self._listeners)

    def subscriptions(self) -> list[dict[str, Any]]:
        """Who listens to how much, for the operator."""
        return [
            {
                "account": each.account.user_id,
                "instruments": len(each.modes),
                "tokens": sorted(each.modes),
                "dead": each.socket.dead,
            }
            for each in self._listeners.values()
        ]

    def pulse(self, now: datetime) -> None:
        """Send what this moment brings."""
        for listener in list(self._listeners.values()):
            self._deliver(listener, now)
        last, self._second = self._second, int(now.timestamp())
        if last != self._second:
            self._end_sessions()
            for second in self._missed(last):
                self._send_second(datetime.fromtimestamp(second, IST))
            self._strike(now)
            self._send_second(now)
        self._beat()

    def _missed(self, last: int) -> range:
        """The seconds between the last one sent and this one, unless the clock has jumped too far."""
        return range(last + 1, self._second) if 0 < self._second - last <= MOST_MISSED else range(0)

    def _send_second(self, at: datetime) -> None:
        if self._is_open(at):
            for listener in list(self._listeners.values()):
                self._send_ticks(listener, listener.modes, at)

    def tell(self, update: Update) -> None:
        """An order's update, to its owner's connections."""
        mine = [each for each in self._listeners.values() if each.account.user_id == update.order.account]
        if not mine:
            return
        account = mine[0].account
        body = postback_body(update.row, account) | {"checksum": ""}
        for listener in mine:
            listener.socket.send(json.dumps({"type": "order", "data": body}))
            listener.sent_at = time.monotonic()

    async def heard(self, within: float) -> None:
        """Come back when every client has dealt with what was sent to it, or after `within` seconds."""
        pongs = [each.socket.ping() for each in self._listeners.values() if not each.socket.dead]
        if pongs:
            await asyncio.wait(pongs, timeout=within)

    def next_due(self) -> datetime | None:
        """When a frame that was kept back goes out."""
        return min((due for each in self._listeners.values() for due, _ in each.kept_back), default=None)

    # What is sent

    def _send_ticks(self, listener: Listener, tokens: Iterable[int], now: datetime) -> None:
        if self._in_force(self._silent, listener.account, now):
            return
        packets = [made for token in tokens if (made := self._packet(token, listener.modes[token], now))]
        if not packets:
            return
        content = frame(packets)
        if listener.late_until is not None and now < listener.late_until:
            listener.kept_back.append((now + listener.late_by, content))
            return
        self._send(listener, content)

    def _send(self, listener: Listener, content: bytes) -> None:
        listener.socket.send(content)
        listener.last_frame, listener.sent_at = content, time.monotonic()
        self.frames += 1

    def _deliver(self, listener: Listener, now: datetime) -> None:
        """What was kept back and is due, after what has overtaken it."""
        due = [content for at, content in listener.kept_back if at <= now]
        listener.kept_back = [(at, content) for at, content in listener.kept_back if at > now]
        for content in due:
            self._send(listener, content)

    def _packet(self, token: int, mode: Mode, now: datetime) -> bytes:
        second = int(now.timestamp())
        if second != self._packed_at:
            self._packets.clear()
            self._packed_at = second
        key = (token, mode)
        if key not in self._packets:
            item = self._listing(now).by_token.get(token)
            stale = item is None or (isinstance(item, Contract) and item.expiry < now.date())
            self._packets[key] = b"" if stale else self._made(item, mode, now)
        return self._packets[key]

    def _made(self, item: Contract | Index | None, mode: Mode, now: datetime) -> bytes:
        assert item is not None  # noqa: S101  (asked for by the caller)
        return packet(self._market, item, mode, now.replace(microsecond=0))

    def _beat(self) -> None:
        moment = time.monotonic()
        for listener in self._listeners.values():
            if moment - listener.sent_at >= HEARTBEAT_EVERY:
                listener.socket.send(HEARTBEAT)
                listener.sent_at = moment

    def _end_sessions(self) -> None:
        """A session that has ended (at 06:00, by a logout or a new login) closes its connections."""
        for listener in list(self._listeners.values()):
            try:
                self._check(listener.account.api_key, listener.access_token)
            except KiteError as error:
                self._complain(listener, str(error))
                listener.socket.close(POLICY, "the session has ended")
                self.forget(listener.socket)

    # What goes wrong

    def _strike(self, now: datetime) -> None:
        for listener in list(self._listeners.values()):
            for fault in self._faults.of_stream(Call("stream", listener.account.user_id)):
                self._apply(fault, listener, now)

    def _apply(self, fault: Fault, listener: Listener, now: datetime) -> None:
        until = now + timedelta(seconds=fault.seconds)
        match fault.kind:
            case FaultKind.STREAM_SILENT:
                self._silent[listener.account.user_id] = until
            case FaultKind.STREAM_HALF_OPEN:
                self._dead[listener.account.user_id] = until
                listener.socket.dead = True
            case FaultKind.STREAM_CUT:
                listener.socket.abort()
                self.forget(listener.socket)
            case FaultKind.STREAM_LATE:
                listener.late_until = now + ONE_FRAME
                listener.late_by = timedelta(seconds=fault.seconds)
            case FaultKind.STREAM_REPEATED:
                if listener.last_frame:
                    self._send(listener, listener.last_frame)

    def _in_force(self, trouble: dict[str, datetime], account: Account, now: datetime) -> bool:
        until = trouble.get(account.user_id)
        return until is not None and now < until

    def reset(self) -> None:
        """What was broken works again. Connections stay, except the dead ones."""
        self._silent.clear()
        self._dead.clear()
        for listener in list(self._listeners.values()):
            listener.kept_back.clear()
            if listener.socket.dead:
                listener.socket.abort()
                self.forget(listener.socket)


def _numbers(tokens: list[Any]) -> bool:
    return all(isinstance(token, int) and not isinstance(token, bool) for token in tokens)
