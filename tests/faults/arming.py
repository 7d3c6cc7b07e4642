"""Each fault, armed at a point of a world. `arm` returns what may be expected of the day all the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from brokers.simulator.exchange import Update
from brokers.zerodha._kite import kite_errors
from tasks.stores.ports import StoreUnavailable
from tests.faults.crossings import Crossing, Strike, Where
from tests.faults.machines import Failed, Running
from tests.faults.matrix import Cell
from tests.faults.points import AT, OWN_CALLS, STORES, at_the_broker
from tests.faults.schedule import Killed
from tests.faults.world import World
from workflows.asl.interpreter import Status

READ_TIMEOUT = 7.0
LOGIN_AFTER = (20.0, 90.0)
REFUSAL = "RMS:Margin Exceeds, Required:171234.00, Available:100000.00"


@dataclass(slots=True)
class Expected:
    """What a day with this fault owes. Times in seconds.

    Parameters
    ----------
    entry_at, exit_at
        When the schedule delivers its events; 0 is 09:28 for the entry, 09:38 for the exit.
    exit_within
        How long after an exit is due the hurt account may take until its first closing order is accepted.
    blocked_until
        When the last thing that kept an exit from its broker was mended (a login): 30 s later it must be on.
    unwound_within
        How long after its first rejection an entry may take to begin to be undone; 0 where that isn't asked.
    usual
        By account, how long after an exit is due its first closing order is accepted when nothing goes wrong.
    hurt
        Accounts that the fault concerns, besides those whose steps it strikes: all others owe what they owe on
        a day without one.
    may_enter
        False where nothing may be entered at all.
    flat
        False where the day may end with something open, provided that a person was called.
    whole
        False where an entry may stay incomplete until the exit (nobody could have undone it before).
    """

    entry_late: float = 0.0
    exit_late: float = 0.0
    exit_time: tuple[int, int] = (9, 40)
    exit_within: float = 5.0
    blocked_until: float = 0.0
    unwound_within: float = 0.0
    usual: dict[str, float] = field(default_factory=dict)
    hurt: set[str] = field(default_factory=set)
    may_enter: bool = True
    flat: bool = True
    whole: bool = True
    entries: int = 1
    exits: int = 1
    housekeeping: tuple[str, ...] = ("ExitSweep", "Reconcile")
    """The platform's own machines that run each minute of this day."""
    swept: bool = False
    """The EXIT event never leads to anything: whoever looks each minute has to find what is due."""
    fired: list[Strike] = field(default_factory=list)
    struck_anyhow: bool = False
    parts: list[Expected] = field(default_factory=list)
    """What each of several faults owes: filled in while the day is played."""

    @property
    def mended_at(self) -> float:
        return max([self.blocked_until, *(part.mended_at for part in self.parts)])

    def is_hurt(self, account: str) -> bool:
        """Whether a fault concerns this account: by name, or because it struck one of its steps."""
        struck = {name for strike in self.fired for name in strike.struck}
        return account in self.hurt or account in struck or "" in struck

    @property
    def struck(self) -> bool:
        here = self.struck_anyhow or any(strike.hits for strike in self.fired)
        return here or any(part.struck for part in self.parts)


class Armoury:
    """Arms one cell in one world. `dice` decides which crossing of the point, and the details."""

    def __init__(self, world: World, cell: Cell, dice: random.Random, census: dict[str, int]) -> None:
        self.world = world
        self.cell = cell
        self.dice = dice
        self.census = census
        self.expected = Expected()
        self.account = dice.choice(world.shape.accounts)

    def arm(self) -> Expected:
        kinds: dict[str, Callable[[], None]] = {
            "F1": self.kill,
            "F2": self.again,
            "F3": self.twice,
            "F4": self.connect_error,
            "F5": self.reply_lost_accepted,
            "F6": self.reply_lost_absent,
            "F7": self.garbled,
            "F8": self.rate_limit,
            "F9": self.rejection,
            "F10": self.partial,
            "F11": self.updates,
            "F12": self.token,
            "F13": self.store,
            "F14": self.late,
            "F15": self.book_lag,
            "F16": self.human,
            "F17": self.calendar,
            "F18": self.instruments,
        }
        kinds[self.cell.fault]()
        return self.expected

    # --- tools ---

    @property
    def point(self) -> str:
        return self.cell.point

    @property
    def out(self) -> bool:
        """The point lies on the way out."""
        return self.point in ("P10", "P11", "P12")

    def strike(
        self,
        where: tuple[Where, ...],
        action: Callable[[Crossing], None],
        *,
        skip: int | None = None,
        times: int = 1,
        what: str = "",
    ) -> Strike:
        made = Strike(
            what or str(self.cell),
            where,
            action,
            skip=self._skip(self.point) if skip is None else skip,
            times=times,
        )
        self.world.arm(made)
        self.expected.fired.append(made)
        return made

    def _skip(self, point: str) -> int:
        return self.dice.randrange(max(1, self.census[point]))

    def hurts(self, *accounts: str, exit_within: float | None = None, whole: bool | None = None) -> None:
        """What the accounts (besides those whose steps are struck) may owe less of."""
        self.expected.hurt |= set(accounts)
        if exit_within is not None:
            self.expected.exit_within = max(self.expected.exit_within, exit_within)
        if whole is not None:
            self.expected.whole = whole

    def nth_order(self) -> int:
        return self.dice.randrange(self.world.shape.orders)

    # --- processes ---

    def kill(self) -> None:
        hang = self.dice.random() < 0.3

        def die(crossing: Crossing) -> None:
            if hang:
                self.world.schedule.pause(1e6)
            raise Killed("Lambda.Unknown")

        self.strike(AT[self.point], die)
        self.hurts(exit_within=100 if self.out else 40)

    def again(self) -> None:
        later = self.dice.choice((0.3, 2.0, 35.0))
        lose = self.dice.random() < 0.5

        def repeat(crossing: Crossing) -> None:
            self.world.schedule.after(later, self.world.again())
            if lose and crossing.operation == "" and crossing.when == "after":
                raise Killed("Lambda.Unknown")

        self.strike(AT[self.point], repeat)
        self.hurts(exit_within=50 if self.out else None)
        if self.point == "P1":
            self.expected.entries = 2
        if self.point == "P10" and self.dice.random() < 0.5:
            self.expected.exits = 2

    def twice(self) -> None:
        def twin(crossing: Crossing) -> None:
            again = self.world.again()
            self.world.schedule.after(self.dice.random() * 0.03, again)
            self.world.schedule.pause(self.dice.random() * 0.03)

        self.strike(AT[self.point], twin)
        self.hurts(exit_within=40 if self.out else None)
        if self.point == "P3":
            self._second_run_that_sees_another_market()
        elif self.point in ("P1", "P2"):
            self.expected.entries = 2
        elif self.point == "P10":
            self.expected.exits = 2
        elif self.point in ("P11", "P12"):
            self._square_off_beside_the_exit()

    def _second_run_that_sees_another_market(self) -> None:
        """The second delivery comes while the first can't start one account yet, and the market has moved."""
        world = self.world
        last = Where(("StartEntry",), ("",), ("before",), account=world.shape.accounts[-1])
        throttled = Strike("throttled start", (last,), _fail("StepFunctions.ThrottlingException"), times=2)
        world.arm(throttled)
        market = world.venue.market
        moved = world.clock_time(9, 30, 2)
        world.at(moved, lambda: market.walk.move("BANKNIFTY", moved, 1.006))
        world.at(moved, partial(world.fire, "ENTRY"))

    def _square_off_beside_the_exit(self) -> None:
        """Somebody squares the account off at the same moment: the same exit, under another name."""
        world = self.world

        def second(crossing: Crossing) -> None:
            name = f"square-off-{crossing.step.account}-EXIT"
            child = world.machines.executions.get(f"basket-20261123-S-{crossing.step.account}-EXIT")
            if child is not None and name not in world.machines.executions:
                world.machines.start("AccountBasket", name, child.execution.input.value)

        where = (Where(("ComputeExit", "ClaimOrder"), ("",), side="X"),)
        world.arm(Strike("square-off beside it", where, second, skip=self.dice.randrange(3)))

    # --- the broker's answers ---

    def connect_error(self) -> None:
        if self.point == "P2":
            self.strike(AT["P2"], _fail("DynamoDB.SdkClientException"), skip=0, times=2)
            return
        operations = {"P5": ("place",)}.get(self.point, ())
        times = self.dice.randint(1, 3)
        self.strike(at_the_broker(self.point, *operations), self._cannot_connect, skip=self._few(), times=times)
        self.hurts(exit_within=30)

    def _few(self) -> int:
        calls = 3 if self.point == "P3" else self.world.shape.orders
        return self.dice.randrange(max(1, min(calls, self.world.shape.orders)))

    def _cannot_connect(self, crossing: Crossing) -> None:
        cause = NewConnectionError(None, "Failed to establish a new connection: refused")  # type: ignore[arg-type]
        raise requests.ConnectionError(MaxRetryError(None, "/orders", cause))  # type: ignore[arg-type]

    def _placing(self) -> tuple[Where, ...]:
        return (Where(("PlaceOrder",), ("broker.place",), ("before",), "X" if self.out else "N"),)

    def _placed(self) -> tuple[Where, ...]:
        return (Where(("PlaceOrder",), ("broker.place",), ("after",), "X" if self.out else "N"),)

    def reply_lost_accepted(self) -> None:
        """P5: the request itself is slow, and reaches the broker when the client may have given up."""
        if self.point == "P5":
            arrives = self.dice.uniform(0.5, 12.0)

            def slow(crossing: Crossing) -> None:
                self.world.schedule.after(arrives, self.world.effect())
                self.world.schedule.pause(READ_TIMEOUT)
                raise requests.ReadTimeout("Read timed out. (read timeout=7.0)")

            self.strike(self._placing(), slow, skip=self.nth_order())
        else:
            self.strike(self._placed(), self._silence, skip=self.nth_order(), times=self._several())
        self.hurts(exit_within=50)

    def _several(self) -> int:
        return self.dice.choice((1, 1, self.world.shape.orders))

    def _silence(self, crossing: Crossing) -> None:
        self.world.schedule.pause(READ_TIMEOUT)
        raise requests.ReadTimeout("Read timed out. (read timeout=7.0)")

    def reply_lost_absent(self) -> None:
        times = self._several()
        self.strike(self._placing(), self._silence, skip=self.nth_order(), times=times)
        self.hurts(exit_within=60 if times == 1 else 150)  # each attempt of one order may be lost, in turn

    def garbled(self) -> None:
        answers = (
            kite_errors.DataException(
                "Unknown Content-Type (text/html) with response: (b'<html>502')", code=502
            ),
            kite_errors.InputException("Order request timed out. Please check the order book", code=400),
            kite_errors.DataException("Couldn't parse the JSON response received from the server"),
        )
        answer = self.dice.choice(answers)

        def spoil(crossing: Crossing) -> None:
            raise answer

        self.strike(self._placed(), spoil, skip=self.nth_order(), times=self._several())
        if self.point == "P7":  # and the table says nothing either
            self._store_strike((Where(("PlaceOrder",), ("orders.advance",), side="N"),), times=1, skip=0)
        self.hurts(exit_within=50)

    def rate_limit(self) -> None:
        where = {
            "P3": at_the_broker("P3", "quote", "instruments", "profile"),
            "P5": self._placing(),
            "P8": at_the_broker("P8"),
            "P11": at_the_broker("P11"),
            "P12": (Where(("ChaseOrder", "WatchOrder", "ComputeExit"), ("broker.*",), ("before",), "X"),),
        }[self.point]
        times = self.dice.randint(1, 3)

        def refuse(crossing: Crossing) -> None:
            self.world.last_status(429)
            raise kite_errors.NetworkException("Too many requests", code=429)

        self.strike(where, refuse, skip=self._few(), times=times)
        self.hurts(exit_within=30)

    def rejection(self) -> None:
        side = "X" if self.out else "N"
        if self.point == "P8":
            where = (Where(("ChaseOrder",), ("broker.modify",), ("before",)),)
            self.world.switch(kind="hold_open", tag="N*", account=self.account, seconds=30)
            self.strike(where, self._refuse, skip=0, times=4)
            self.hurts(self.account, exit_within=30)
            return
        if not self.out:
            self.expected.unwound_within = 10.0
        symbol = self._some_symbol()
        rounds = self.dice.randint(1, 3) if self.out else 1
        if self.point == "P7" or (self.out and self.dice.random() < 0.5):
            self.world.switch(
                kind="reject", tag=f"{side}*", account=self.account, symbol=symbol, reason=REFUSAL, count=rounds
            )
            self.expected.struck_anyhow = True
        else:
            where = (Where(("PlaceOrder",), ("broker.place",), ("before",), side, self.account),)
            self.strike(where, self._refuse, skip=self._few() // self.world.shape.account_count, times=rounds)
        self.hurts(self.account, exit_within=70)

    def _refuse(self, crossing: Crossing) -> None:
        raise kite_errors.OrderException(REFUSAL, code=400)

    def _some_symbol(self) -> str:
        return self.dice.choice(self.world.shape.patterns)

    # --- the order at the exchange ---

    def partial(self) -> None:
        """Half of it fills, and then nothing more: until chased, for ever, or until the exchange cancels."""
        side = "X" if self.point == "P11" else "N"
        kind = self.dice.choice(("stall", "cancel", "chased"))
        how = {
            "stall": {"seconds": 70 if self.out else 0},
            "cancel": {"seconds": 70},
            "chased": {"until_modified": 2},
        }
        self.world.switch(
            kind="partial", share=0.5, tag=f"{side}*", account=self.account, count=self._count(), **how[kind]
        )
        if kind == "cancel":
            self._cancelled_by_the_exchange(side)
        self.expected.struck_anyhow = True
        self.hurts(self.account, exit_within=10)
        if self.point == "P10":  # the exit comes while the entry still works
            self.expected.exit_time = (9, 31)
            self.hurts(self.account, exit_within=70)

    def _count(self) -> int:
        return self.dice.choice((1, 0))

    def _cancelled_by_the_exchange(self, side: str) -> None:
        world = self.world

        def cancel() -> None:
            for order in world.venue.orders(self.account):
                if order.request.tag.startswith(side) and order.filled:
                    world.venue.cancel_outside(order)

        moment = world.clock_time(9, 40, 9) if side == "X" else world.clock_time(9, 30, 9)
        if self.point == "P10":
            moment = world.clock_time(9, 30, 58)
        for n in range(3):
            world.at(moment.timestamp() + n * 1.5, cancel)

    def updates(self) -> None:
        """Each update late, lost, repeated or overtaken."""
        side = "X" if self.out else "N"
        dice = self.dice

        def delays(update: Update) -> list[float]:
            if not update.order.request.tag.startswith(side):
                return [0.05]
            self.expected.struck_anyhow = True
            return [dice.choice((0.0, 0.02, 3.0, 20.0, 400.0)) for _ in range(dice.choice((0, 1, 2, 3)))]

        self.world.update_delay = delays
        self.hurts(*self.world.shape.accounts)

    def book_lag(self) -> None:
        side = "X" if self.out else "N"
        lag = self.dice.uniform(1.0, 29.0)
        self.world.switch(kind="invisible", tag=f"{side}*", seconds=lag, count=0)
        self.expected.struck_anyhow = True
        if self.point == "P6" or (self.point == "P11" and self.dice.random() < 0.7):
            self.strike(self._placed(), self._silence, skip=self.nth_order(), times=self._several())
        if self.point == "P7":
            where = (Where(("PlaceOrder",), ("orders.advance",), ("before",), "N"),)
            self.strike(where, _die, skip=self.nth_order())
        self.hurts(*self.world.shape.accounts, exit_within=50)

    # --- sessions and stores ---

    def token(self) -> None:
        world, account = self.world, self.account
        back = self.dice.uniform(*LOGIN_AFTER)

        def log_in() -> None:
            world.venue.shut_out.discard(account)
            self.expected.blocked_until = world.schedule.now
            world.note("person", f"{account} logs in")

        def expire(crossing: Crossing | None = None) -> None:
            if account not in world.venue.shut_out:
                world.venue.shut_out.add(account)
                world.note("fault", f"the session of {account} is over")
                world.schedule.after(back, log_in)

        moments = {"P1": (9, 27, 50), "P3": (9, 29, 59), "P10": (9, 39, 50)}
        if self.point in moments:
            self.account = account = world.shape.accounts[0] if self.point != "P10" else account
            world.at(world.clock_time(*moments[self.point]), expire)
            self.expected.struck_anyhow = True
        else:
            side = "X" if self.out else "N"
            steps = {"P5": "PlaceOrder", "P8": "WatchOrder", "P11": "PlaceOrder", "P12": "TotalFills"}
            where = (Where((steps[self.point],), ("",), ("before",), side, account),)
            self.strike(where, expire, skip=self.dice.randrange(max(1, world.shape.order_count)))
        world.operator = self._redrive_after_login
        self.hurts(account, exit_within=15, whole=False)

    def _redrive_after_login(self, running: Running) -> None:
        """A person sees the alarm, logs in, and redrives what failed."""
        world = self.world
        if running.status is Status.FAILED and running.redrives < 3:
            world.schedule.after(LOGIN_AFTER[1] + 5, partial(self._redrive, running))

    def _redrive(self, running: Running) -> None:
        if running.status is Status.FAILED:
            self.world.note("person", f"redrives {running.name}")
            self.world.machines.redrive(running)

    def store(self) -> None:
        self._store_strike(AT[self.point], times=self.dice.randint(1, 3), skip=None)
        self.hurts(exit_within=60 if self.out else 30)

    def _store_strike(self, where: tuple[Where, ...], *, times: int, skip: int | None) -> None:
        own = tuple(Where(tuple(s for s in w.steps if s in OWN_CALLS), ("",), w.when, w.side) for w in where)
        tasks = tuple(Where(w.steps, STORES, w.when, w.side) for w in where)
        named = tuple(w for w in own if w.steps)

        def unavailable(crossing: Crossing) -> None:
            if crossing.step.name in ("StartEntry", "StartExit"):
                raise Failed("StepFunctions.ThrottlingException")
            if crossing.step.name in OWN_CALLS:
                raise Failed("DynamoDB.ThrottlingException")
            raise StoreUnavailable("algo-table: throttled")

        chosen = self.dice.randrange(4) if skip is None else skip
        self.strike((*named, *tasks), unavailable, skip=chosen, times=times)

    # --- time ---

    def late(self) -> None:
        world, dice = self.world, self.dice
        late = dice.choice((60.0, 300.0, 1800.0))
        skew = dice.choice((-5.0, 5.0))
        self.expected.struck_anyhow = True
        if self.point == "P1" and dice.random() < 0.3:
            world.clock.skew = skew
        elif self.point == "P1":
            self.expected.entry_late = late
        elif self.point == "P2":
            self.expected.entry_late = dice.uniform(110.0, 430.0)
        elif self.point == "P3":
            self.expected.entry_late = dice.uniform(418.5, 420.5)
        elif self.point in ("P9", "P10", "P11") and dice.random() < 0.5:
            self._no_exit_event()
        elif self.point in ("P9", "P11"):
            moment = world.clock_time(9, 30, 20) if self.point == "P9" else world.clock_time(9, 39, 59)
            world.at(moment, partial(setattr, world.clock, "skew", skew))
            self.hurts(*world.shape.accounts, exit_within=12)
        else:
            self.expected.exit_late = late

    def _no_exit_event(self) -> None:
        """P9: the event is lost, and no sweep runs. P10: it is lost. P11: it comes, and can start nobody."""
        self.expected.swept = True
        if self.point == "P11":
            where = (Where(("StartExit",), ("",), ("before",)),)
            started = len(self.world.shape.accounts)
            self.strike(where, _fail("StepFunctions.ThrottlingException"), skip=0, times=12 * started)
            return
        self.expected.exits = 0
        if self.point == "P9":
            self.expected.housekeeping = ("Reconcile",)

    def calendar(self) -> None:
        self.expected.struck_anyhow = True
        if self.point in ("P10", "P11"):
            self._early_close()
            return
        # P1 a holiday, P2 a Sunday, P3 the expiry that a holiday moved: see `play.day_of`
        self.expected.may_enter = self.point == "P3"

    def _early_close(self) -> None:
        """The exchange closes when our calendar does not know of it: before the exit, or in its middle."""
        world = self.world
        at = world.clock_time(9, 39) if self.point == "P10" else world.clock_time(9, 40, 3)
        world.venue.calendar.closes_at = at
        self.hurts(*world.shape.accounts, exit_within=1e9)
        self.expected.flat = False

    # --- people and masters ---

    def human(self) -> None:
        acts: dict[str, Callable[[], None]] = {
            "P8": self._human_cancels,
            "P9": partial(self._human_closes, (9, 32)),
            "P10": partial(self._human_closes, (9, 39)),
            "P11": self._human_interferes,
            "P12": partial(self._human_trades, (9, 49)),
        }
        acts[self.point]()
        self.expected.struck_anyhow = True
        self.hurts(self.account, exit_within=1e9 if self.point in ("P9", "P10", "P11") else 10, whole=False)

    def _human_cancels(self) -> None:
        world = self.world
        world.switch(kind="hold_open", tag="N*", account=self.account, count=1)

        def cancel() -> None:
            for order in world.venue.orders(self.account):
                world.venue.cancel_outside(order)

        world.at(world.clock_time(9, 30, self.dice.randint(1, 20)), cancel)

    def _human_closes(self, moment: tuple[int, int], *, share: float | None = None) -> None:
        """A person closes one leg, half of it, all legs, or more than there is, from a terminal."""
        world = self.world
        how = self.dice.choice(("one", "half", "all", "more"))

        def close() -> None:
            held = world.venue.net(self.account)
            chosen = list(held) if how == "all" else list(held)[:1]
            for symbol in chosen:
                units = abs(held[symbol])
                units = {"half": units // 2, "more": units + 30}.get(how, units)
                units -= units % 30
                side = "BUY" if held[symbol] < 0 else "SELL"
                if units:
                    world.venue.trade_outside(self.account, symbol, side, units)
                    world.note("person", f"{self.account} {side} {units} {symbol} from a terminal")

        world.at(world.clock_time(*moment), close)

    def _human_interferes(self) -> None:
        """In the middle of the exit: buys one lot more of something of ours, or closes a part."""
        second = self.dice.randint(0, 8)
        world = self.world
        if self.dice.random() < 0.5:
            self._human_trades((9, 40), second=second)
            return

        def cancel() -> None:
            for order in world.venue.orders(self.account):
                if order.request.tag.startswith("X"):
                    world.venue.cancel_outside(order)

        world.at(world.clock_time(9, 40, second), cancel)

    def _human_trades(self, moment: tuple[int, int], *, second: int = 0) -> None:
        """A trade of his own in one of our contracts, which is none of our business."""
        world = self.world

        def trade() -> None:
            ours = [o for o in world.venue.orders(self.account) if o.from_api]
            if ours:
                symbol = ours[0].contract.symbol
                side = "SELL" if ours[0].side == "SELL" else "BUY"
                world.venue.trade_outside(self.account, symbol, side, 30)
                world.note("person", f"{self.account} {side} 30 {symbol} from a terminal")

        world.at(world.clock_time(*moment, second), trade)

    def instruments(self) -> None:
        if self.point == "P3":
            if self.dice.random() < 0.5:
                self.strike(
                    at_the_broker("P3", "instruments"),
                    self._cannot_connect,
                    skip=0,
                    times=self.dice.randint(1, 9),
                )
            else:
                self.world.venue.master_is_empty = True
                self.expected.struck_anyhow = True
                self.expected.may_enter = False
            self.hurts(whole=False)
            return
        half = self.world.shape.largest_order // 2 // 30 * 30
        self.expected.struck_anyhow = True
        if self.point == "P4":
            self.world.venue.freeze = half
        else:
            self.world.at(self.world.clock_time(9, 39), partial(setattr, self.world.venue, "freeze", half))
        self.hurts(*self.world.shape.accounts, exit_within=70)


def _fail(error: str) -> Callable[[Crossing], None]:
    def fail(crossing: Crossing) -> None:
        raise Failed(error)

    return fail


def _die(crossing: Crossing) -> None:
    raise Killed("Lambda.Unknown")


def due(world: World, expected: Expected) -> datetime:
    return world.clock_time(*expected.exit_time)
