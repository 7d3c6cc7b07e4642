"""`python -m tasks.feed`: one instance of the feed, until SIGTERM.

============================ ==========================================================================
`FEED_ACCOUNT`               whose session is the data account's; else the operator's setting
                             `data_account`, else the first account that is linked
`UPDATES_QUEUE_URL`          where order updates go
`BARS_BUCKET`                where bars are kept as Parquet; empty: nowhere
`KITE_ROOT`                  the simulator's address instead of Kite's
`…_TABLE`, `…_MACHINE`       as every function has them
============================ ==========================================================================
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.config import Config

from brokers.clock import SystemClock
from brokers.registry import open_stream, prepare_streams
from brokers.stream import Stream
from tasks.aws import account_secret, runtime_from_environment
from tasks.domain import items
from tasks.feed.doing import Doer
from tasks.feed.following import Following
from tasks.feed.health import serve
from tasks.feed.keeping import Keeper, Lake
from tasks.feed.leading import BEAT_EVERY, Leading
from tasks.feed.service import Feed
from tasks.feed.session import Secret, Session
from tasks.feed.watchers import watchers
from tasks.order_update import OrderUpdate
from tasks.runtime import Runtime
from tasks.stores.dynamodb import from_environment
from tasks.stores.feed_dynamodb import feed_name

logger = logging.getLogger("tasks.feed")

_QUICK = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "max_attempts": 1})
"""Of the lease: an answer that is late is no answer, and the next beat is half a second away."""

WITHOUT_ACCOUNT = 5.0
"""Seconds between two looks for an account to feed from."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tasks.feed", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8086, help="of the health check, on 127.0.0.1")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    found: list[Feed] = []
    health = serve(options.port, found)
    rt = runtime_from_environment()
    account = _account(rt, stopping)
    if account:
        feed = build(account, rt)
        found.append(feed)
        _run(feed, stopping)
    health.shutdown()
    return 0


def build(account: str, rt: Runtime) -> Feed:
    """The feed of `account`, wired to AWS or to an emulator of it."""
    leases = from_environment(boto3.client("dynamodb", config=_QUICK)).leases
    holder = f"{socket.gethostname()}-{os.getpid()}"
    stopwatch = time.monotonic
    leading = Leading(leases, feed_name(account), holder, SystemClock(), stopwatch)
    session = Session(lambda: account_secret(account), lambda secret: _stream(account, secret, made), stopwatch)
    made: list[Feed] = []
    feed = Feed(
        account=account,
        rt=rt,
        leading=leading,
        session=session,
        watchers=watchers(),
        tell_order=_Updates(os.environ.get("UPDATES_QUEUE_URL", "")),
        stopwatch=stopwatch,
        keeper=Keeper(rt, account, lambda: leading.fence, stopwatch, _lake()),
        doer=Doer(rt, lambda: leading.leads),
        following=Following(rt, account, stopwatch),
    )
    made.append(feed)
    return feed


def _stream(account: str, secret: Secret, listener: list[Feed]) -> Stream:
    root = os.environ.get("KITE_ROOT", "").replace("http", "ws", 1) or None
    clock = SystemClock.from_environment()
    return open_stream(secret["broker"], secret, listener[0], account=account, clock=clock, root=root)


def _account(rt: Runtime, stopping: threading.Event) -> str:
    """Whose session is asked for prices. Waits until there is one; "" if told to stop meanwhile."""
    while not stopping.is_set():
        try:
            account = os.environ.get("FEED_ACCOUNT") or _linked(rt)
        except Exception:
            logger.exception("the catalog can't be read")
            account = ""
        if account:
            return account
        stopping.wait(WITHOUT_ACCOUNT)
    return ""


def _linked(rt: Runtime) -> str:
    settings: Mapping[str, Any] = rt.stores.catalog.get(items.PLATFORM, items.SETTINGS) or {}
    linked = (document for _, _, document in rt.stores.catalog.everything("ACCOUNT#"))
    return str(settings.get("data_account") or "") or min(
        (str(document["account"]) for document in linked if "lot_multiplier" in document), default=""
    )


def _lake() -> Lake | None:
    bucket = os.environ.get("BARS_BUCKET")
    if not bucket:
        return None
    from tasks.feed.lake import S3Bars  # noqa: PLC0415  (pyarrow, only where there is a bucket)

    return S3Bars(boto3.client("s3"), bucket)


class _Updates:
    """The queue of order updates, in the order of their coming."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs")
        self._pool = ThreadPoolExecutor(1, "updates")

    def __call__(self, update: OrderUpdate) -> None:
        if self._url:
            self._pool.submit(self._send, update)

    def _send(self, update: OrderUpdate) -> None:
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=update.model_dump_json())
        except Exception:
            logger.exception("an order update was not queued")


def _run(feed: Feed, stopping: threading.Event) -> None:
    rounds: tuple[tuple[str, Callable[[], None], float], ...] = (
        ("beat", feed.beat, BEAT_EVERY),
        ("tend", feed.tend, 0.25),
        ("follow", feed.follow, 2.0),
        ("keep", feed.keep, 1.0),
        ("count", lambda: _count(feed), 60.0),
    )
    threads = [threading.Thread(target=_repeat, args=(*each, stopping), daemon=True) for each in rounds]
    for thread in threads:
        thread.start()
    prepare_streams()
    logger.info("the feed of %s is ready", feed.account)
    stopping.wait()
    for thread in threads:
        thread.join(5)
    feed.stop()


def _count(feed: Feed) -> None:
    """A metric a minute from the one that leads: an alarm hears its silence."""
    if feed.leading.leads:
        with single_metric(name="FeedLeads", unit=MetricUnit.Count, value=1, namespace="Algo"):
            pass


def _repeat(name: str, step: Callable[[], None], every: float, stopping: threading.Event) -> None:
    """Call `step` until told to stop; whatever goes wrong in one round, the next one comes."""
    while not stopping.is_set():
        try:
            step()
        except Exception:
            logger.exception("%s failed", name)
        stopping.wait(every)


if __name__ == "__main__":
    sys.exit(main())
