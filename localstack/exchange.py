"""The exchange simulator as its operator sees it, not as a client does: switches, settings, ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests

SECONDS = 10


@dataclass(frozen=True, slots=True)
class BrokerEntry:
    """One order in the broker's ledger. `status` is Kite's word."""

    broker_order_id: str
    tag: str
    account: str
    symbol: str
    side: str
    quantity: int
    filled_quantity: int
    average_price: Decimal
    status: str
    modifications: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BrokerTrade:
    """One fill."""

    trade_id: str
    broker_order_id: str
    account: str
    symbol: str
    side: str
    quantity: int
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class BrokerLedger:
    """What really happened at the exchange, and the net position of each contract, by account."""

    orders: tuple[BrokerEntry, ...]
    positions: Mapping[str, Mapping[str, int]]
    trades: tuple[BrokerTrade, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """The simulator's own API at `url`."""

    url: str

    def ledger(self) -> BrokerLedger:
        body = self._get("/_sim/ledger")
        return BrokerLedger(
            orders=tuple(_entry(order) for order in body["orders"]),
            positions=body["positions"],
            trades=tuple(_trade(trade) for trade in body["trades"]),
        )

    def fault(self, kind: str, **details: Any) -> None:
        """Set one switch; see docs/simulator.md for the kinds."""
        self._send("POST", "/_sim/faults", {"kind": kind, **details})

    def struck(self) -> list[str]:
        """The switches that have struck: requests, in their order, then orders, of those that are still set."""
        requests = self._get("/_sim/ledger")["requests"]
        orders = (each["kind"] for each in self._get("/_sim/faults") if each["hits"])
        return [*(each["fault"] for each in requests if each["fault"]), *orders]

    def clear_faults(self) -> None:
        self._send("DELETE", "/_sim/faults")

    def settings(self, **changes: Any) -> None:
        self._send("PUT", "/_sim/settings", changes)

    def reset(self) -> None:
        """Forget orders, trades and switches. Sessions and settings stay."""
        self._send("POST", "/_sim/reset")

    def expire_token(self, account: str) -> None:
        self._send("POST", "/_sim/expire-token", {"account": account})

    def square_off(self, account: str) -> None:
        """A person closes everything at a terminal."""
        self._send("POST", "/_sim/square-off", {"account": account})

    def _get(self, path: str) -> Any:
        answer = requests.get(f"{self.url}{path}", timeout=SECONDS)
        answer.raise_for_status()
        return answer.json()

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        requests.request(method, f"{self.url}{path}", json=body, timeout=SECONDS).raise_for_status()


def _entry(order: Mapping[str, Any]) -> BrokerEntry:
    return BrokerEntry(
        broker_order_id=order["order_id"],
        tag=order["tag"] or "",
        account=order["account"],
        symbol=order["tradingsymbol"],
        side=order["transaction_type"],
        quantity=order["quantity"],
        filled_quantity=order["filled_quantity"],
        average_price=Decimal(str(order["average_price"])),
        status=order["status"],
        modifications=sum(row["status"] == "MODIFIED" for row in order["history"]),
        at=datetime.fromisoformat(order["accepted_at"]),
    )


def _trade(trade: Mapping[str, Any]) -> BrokerTrade:
    return BrokerTrade(
        trade_id=trade["trade_id"],
        broker_order_id=trade["order_id"],
        account=trade["account"],
        symbol=trade["tradingsymbol"],
        side=trade["transaction_type"],
        quantity=trade["quantity"],
        price=Decimal(str(trade["average_price"])),
        at=datetime.fromisoformat(trade["at"]),
    )
