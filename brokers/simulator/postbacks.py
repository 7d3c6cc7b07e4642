"""Postbacks: every update of an order that came through the API, posted to the app's URL, with a checksum.

Kite promises neither order nor exactly one delivery, and neither does this. A delivery is tried three times.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from brokers.simulator.auth import Account
from brokers.simulator.exchange import Update
from brokers.simulator.faults import Call, FaultKind, Faults
from brokers.simulator.orders import Status

PAUSES = (0.2, 1.0)
"""Seconds of wall time before the second and the third try."""
TIMEOUT = 10.0
OVERTAKEN = timedelta(seconds=5)
"""How long an update is kept back so that the next one overtakes it, if no next one comes."""
FOLLOWING = timedelta(milliseconds=300)
AT_ONCE = 8


@dataclass(slots=True)
class Delivery:
    """One postback and what became of it. `code` is the last HTTP answer, 0 if there was none."""

    account: str
    order_id: str
    status: str
    url: str
    tries: int = 0
    code: int = 0


@dataclass(order=True, slots=True)
class Waiting:
    """A postback in the queue. `overtaken`: it is kept back until the order's next one has gone out."""

    due: datetime
    number: int
    delivery: Delivery = field(compare=False)
    body: bytes = field(compare=False, repr=False)
    overtaken: bool = field(compare=False)


def checksum(order_id: str, order_timestamp: str, api_secret: str) -> str:
    """Kite's: sha256(order_id + order_timestamp + api_secret), in hex."""
    return hashlib.sha256(f"{order_id}{order_timestamp}{api_secret}".encode()).hexdigest()


def postback_body(row: Mapping[str, Any], account: Account) -> dict[str, Any]:
    """What is posted for one row of an order's history."""
    final = row["status"] in (Status.COMPLETE, Status.CANCELLED, Status.REJECTED)
    body = {key: value for key, value in row.items() if key not in ("modified", "tags", "validity_ttl")}
    return {
        "user_id": account.user_id,
        "unfilled_quantity": row["quantity"] - row["filled_quantity"],
        "app_id": 1,
        "checksum": checksum(row["order_id"], row["order_timestamp"], account.api_secret),
        **body,
        "status": row["status"] if final else "UPDATE",
    }


class Postbacks:
    """Queue and sender.

    Parameters
    ----------
    url
        Where to post; `{account}` in it becomes the user id. Empty: nothing is sent.
    post
        Sends a body and returns the HTTP code; raises OSError when nothing answers.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        faults: Faults,
        url: Callable[[], str],
        post: Callable[[str, bytes], int] | None = None,
    ) -> None:
        self._accounts = accounts
        self._faults = faults
        self._url = url
        self._post = post or _post
        self._waiting: list[Waiting] = []
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(AT_ONCE)
        self.log: list[Delivery] = []

    def submit(self, update: Update) -> None:
        """Put an update into the queue, as the switches want it."""
        order = update.order
        account = self._accounts[order.account]
        url = self._url().replace("{account}", account.user_id)
        if not url:
            return
        content = postback_body(update.row, account)
        delivery = Delivery(account.user_id, order.id, content["status"], url)
        call = Call(content["status"], account.user_id, order.contract.symbol, order.side, order.request.tag)
        faults = {fault.kind: fault for fault in self._faults.of_postback(call)}
        if FaultKind.POSTBACK_NONE in faults:
            return
        if FaultKind.POSTBACK_BAD_CHECKSUM in faults:
            content["checksum"] = "0" * 64
        body = json.dumps(content).encode()
        delayed = faults.get(FaultKind.POSTBACK_DELAYED)
        due = update.at + timedelta(seconds=delayed.seconds if delayed else 0)
        overtaken = FaultKind.POSTBACK_OUT_OF_ORDER in faults
        if not overtaken:
            self._let_follow(order.id, due)
        for _ in range(2 if FaultKind.POSTBACK_DUPLICATE in faults else 1):
            self._queue(due + OVERTAKEN if overtaken else due, replace(delivery), body, overtaken=overtaken)

    def _let_follow(self, order_id: str, after: datetime) -> None:
        """An update of the order goes out at `after`: what was kept back to be overtaken follows it."""
        for waiting in self._waiting:
            if waiting.overtaken and waiting.delivery.order_id == order_id:
                waiting.due = min(waiting.due, after + FOLLOWING)
        heapq.heapify(self._waiting)

    def _queue(self, due: datetime, delivery: Delivery, body: bytes, *, overtaken: bool) -> None:
        self._sequence += 1
        heapq.heappush(self._waiting, Waiting(due, self._sequence, delivery, body, overtaken))

    def send_due(self, now: datetime) -> None:
        """Start sending everything that is due."""
        while self._waiting and self._waiting[0].due <= now:
            waiting = heapq.heappop(self._waiting)
            self.log.append(waiting.delivery)
            task = asyncio.create_task(self._deliver(waiting))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, waiting: Waiting) -> None:
        """Post one body, up to three times, until somebody says that it arrived."""
        delivery = waiting.delivery
        async with self._gate:
            for pause in (0.0, *PAUSES):
                await asyncio.sleep(pause)
                delivery.tries += 1
                delivery.code = await self._attempt(delivery.url, waiting.body)
                if 200 <= delivery.code < 300:
                    return

    async def _attempt(self, url: str, body: bytes) -> int:
        try:
            return await asyncio.to_thread(self._post, url, body)
        except OSError:
            return 0

    @property
    def busy(self) -> int:
        """Deliveries on their way."""
        return len(self._tasks)

    def next_due(self) -> datetime | None:
        return self._waiting[0].due if self._waiting else None

    def reset(self) -> None:
        self._waiting.clear()
        self.log.clear()


def _post(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  (the operator's URL)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
