"""`python -m brokers.simulator`: the exchange in a box, on 127.0.0.1."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from brokers.clock import IST, Clock, SystemClock
from brokers.simulator.auth import Account
from brokers.simulator.server import HOST, server
from brokers.simulator.world import Settings, World, build_world

DEMO_ACCOUNT = "ZA1234:simkey:simsecret"


@dataclass(frozen=True, slots=True)
class PlayedClock:
    """The wall's time of day on another date: what the simulator plays when it stands alone."""

    ahead: timedelta

    @classmethod
    def on(cls, day: date) -> PlayedClock:
        today = datetime.fromtimestamp(time.time(), IST).date()
        return cls(day - today)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), IST) + self.ahead


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(prog="python -m brokers.simulator", description=__doc__)
    parse.add_argument("--port", type=int, default=9000, help="port on 127.0.0.1 (default 9000)")
    parse.add_argument(
        "--date",
        type=date.fromisoformat,
        help="the date to play, at the wall's time of day; with ALGO_CLOCK, the clock's date wins",
    )
    parse.add_argument(
        "--instruments", type=Path, help="a Kite instruments CSV, instead of the simulator's own"
    )
    parse.add_argument("--seed", type=int, default=7, help="seed of all prices and tokens (default 7)")
    parse.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="USER:KEY:SECRET[:TOKEN]",
        help=f"credentials to accept, repeatable (default {DEMO_ACCOUNT}); a TOKEN is logged in from the start",
    )
    parse.add_argument(
        "--postback-url", default="", help="where to post order updates; {account} becomes the user id"
    )
    parse.add_argument(
        "--redirect-url", default="", help="where a login leads, as registered; {account} becomes the user id"
    )
    parse.add_argument("--always-open", action="store_true", help="take orders at any hour of any day")
    parse.add_argument(
        "--step-ms", type=float, default=15.0, help="milliseconds between two states of an order"
    )
    return parse


def choose_clock(day: date | None) -> Clock:
    """The platform's clock if there is one, else the date asked for, else the wall."""
    if day is None or os.environ.get("ALGO_CLOCK"):
        return SystemClock.from_environment()
    return PlayedClock.on(day)


def world_from(arguments: argparse.Namespace) -> World:
    """The world that the command line describes.

    Raises
    ------
    ValueError
        For an account that cannot be read, or a file that is not a Kite dump.
    """
    accounts = [Account.parse(text) for text in arguments.account or [DEMO_ACCOUNT]]
    settings = Settings(
        postback_url=arguments.postback_url,
        redirect_url=arguments.redirect_url,
        always_open=arguments.always_open,
        step_ms=arguments.step_ms,
    )
    return build_world(
        choose_clock(arguments.date),
        accounts,
        seed=arguments.seed,
        instruments=arguments.instruments,
        day=arguments.date,
        settings=settings,
    )


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        world = world_from(arguments)
    except (ValueError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    users = ", ".join(world.sessions.accounts)
    print(
        f"simulator: http://{HOST}:{arguments.port} at {world.now():%Y-%m-%d %H:%M:%S} IST for {users}",
        flush=True,
    )
    server(world, arguments.port).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
