"""A trading day in one process, on simulated time, fixed by a seed, in which any crossing can go wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from brokers.clock import IST
from brokers.protocol import Broker
from brokers.simulator.exchange import Update
from brokers.simulator.faults import Fault
from brokers.simulator.postbacks import postback_body
from brokers.zerodha import parse_postback
from tasks import apply_updates
from tasks.order_update import OrderUpdate
from tasks.orderpath.halting import Reach
from tasks.runtime import Runtime
from tasks.stores import Stores
from tasks.stores.memory import memory_stores
from tasks.stores.ports import OrderRow
from tests.faults.crossings import Crossing, Step, Strike, When
from tests.faults.machines import AlreadyExists, Call, Failed, Machines, Running
from tests.faults.schedule import Killed, Schedule, SimulatedClock
from tests.faults.shapes import Shape
from tests.faults.storing import Backing, ConditionFailed, InMemory, assigned, crossed
from tests.faults.streams import Streams, watched
from tests.faults.venue import Lines, Seat, Venue
from tests.machines.definitions import task_modules

MONDAY = datetime(2026, 11, 23, tzinfo=IST)
USER, BASKET, STRATEGY = "user-1", "weekly", "basket"
RUN = STRATEGY + "-{day:%Y%m%d}-S"
"""The key of the day's run."""
SWEEP = 30.0
"""Seconds after which the queue delivers an update again that nobody has acknowledged."""


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the story."""

    at: float
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Halted:
    """The kill switch was pressed, and from `since` on no entry of those whom it reaches may leave."""

    reach: Reach
    since: float


@dataclass(slots=True)
class Job:
    """What a crossing must know of the call that makes it."""

    step: Step
    again: Callable[[], None]
    """Runs the same step once more, on its own; nobody waits for its answer."""
    lines: Lines | None = None


@dataclass(slots=True)
class Alarms:
    world: World
    raised: list[tuple[float, str, str]] = field(default_factory=list)

    def count(self, name: str, *, account: str) -> None:
        self.raised.append((self.world.schedule.now, name, account))
        self.world.note("alarm", f"{name} {account}")


@dataclass(slots=True)
class Brokers:
    """One `Seat` per call, as one Lambda has one client."""

    world: World

    def reader(self, account: str) -> Broker:
        return self.world.seat(account)

    def trader(self, user_id: str, account: str) -> Broker:
        return self.world.seat(account)


class World:
    """One day. Build it, arm strikes, `deliver` events, `run`, then look at `venue` and `stores`."""

    def __init__(self, shape: Shape, seed: int, *, day: datetime = MONDAY, backing: Backing | None = None):
        self.shape = shape
        self.dice = random.Random(seed)
        self.schedule = Schedule(day.replace(hour=9, minute=20))
        self.day = day
        self.clock = SimulatedClock(self.schedule)
        self.true_clock = SimulatedClock(self.schedule)
        self._backing = backing or InMemory(memory_stores())
        self.stores: Stores = self._backing.stores
        self.venue = Venue(self.true_clock.now(), shape.accounts, pay=self.true_clock.now)
        self.venue.updates = self._postback
        self.schedule.other = self._venue_due
        self.schedule.do_other = self.venue.advance
        self.machines = Machines(self.schedule, self._perform, self._ended)
        self.alarms = Alarms(self)
        self.strikes: list[Strike] = []
        self.notes: list[Note] = []
        self.crossings: list[str] | None = None
        self.rows: dict[str, list[tuple[float, OrderRow]]] = {}
        self.outside: list[str] = []
        self.operator: Callable[[Running], None] = lambda running: None
        self.update_delay: Callable[[Update], list[float]] = lambda update: [0.05]
        self._deliveries = 0
        self.exit_time = ""
        self.halted: Halted | None = None
        self.streams = Streams()
        self._runtime = Runtime(
            stores=crossed(self._watched(), self._cross, self._store_pause),
            brokers=Brokers(self),
            callbacks=self.machines,
            alarms=self.alarms,
            clock=self.clock,
        )
        self._link()

    # --- setting up ---

    def _link(self) -> None:
        for account in self.shape.accounts:
            document = {"account": account, "broker": "zerodha", "lot_multiplier": 1, "egress": None}
            self.stores.catalog.put(USER, f"ACCOUNT#{account}", document)
        self.stores.catalog.put(USER, f"STRATEGY#{STRATEGY}", self.shape.strategy(STRATEGY))
        for fault in self.shape.fills():
            self.venue.faults.set([fault])

    def arm(self, *strikes: Strike) -> None:
        self.strikes += strikes

    def switch(self, **fault: Any) -> None:
        """Set one of the simulator's own switches, ahead of those of the shape."""
        self.venue.faults.all.insert(0, Fault(**fault))

    def at(self, moment: datetime | float, what: Callable[[], object]) -> None:
        when = moment.timestamp() if isinstance(moment, datetime) else moment
        self.schedule.at(when, what)

    def clock_time(self, hour: int, minute: int, second: int = 0) -> datetime:
        return self.day.replace(hour=hour, minute=minute, second=second)

    # --- the day ---

    def deliver(self, side: str) -> Running | None:
        """The schedule's event arrives. A fault may lose it (the scheduler tries again) or double it."""
        self._deliveries += 1
        name = f"{side.lower()}-{self._deliveries}"
        event = self.shape.event(side, self.day, exit_time=self.exit_time)
        return self.machines.start("StrategyLifecycle", name, event)

    def fire(self, side: str) -> None:
        """The schedule fires: a job of its own, so that it can be killed, doubled and delayed."""
        step = Step("Schedule", "N" if side == "ENTRY" else "X", "")

        def deliver() -> None:
            self.schedule.pause(0.01)
            self.deliver(side)

        def lost() -> None:
            self.schedule.after(60.0, partial(self.fire, side))

        self._job(step, 60.0, partial(self.fire, side), deliver, lost)

    def run(self, until: datetime) -> None:
        self.schedule.run(until)

    def note(self, who: str, text: str) -> None:
        self.notes.append(Note(self.schedule.now, who, text))

    # --- calls ---

    def _perform(self, call: Call) -> None:
        if call.function:
            self._invoke(call)
        else:
            self._own_call(call)

    def _invoke(self, call: Call) -> None:
        module = task_modules()[call.function]
        step = self._step(call)
        orphan = partial(self._task_job, module, call.payload, step, None)

        def done(output: Any, error: Killed | Exception | None) -> None:
            self._answer(call, output, error)

        self._task_job(module, call.payload, step, done, again=orphan)

    def _task_job(
        self,
        module: Any,
        payload: Any,
        step: Step,
        done: Callable[[Any, Killed | Exception | None], None] | None,
        again: Callable[[], None] | None = None,
    ) -> None:
        def body() -> None:
            output, error = None, None
            try:
                self._cross("", "before")
                answer = module.run(module.Input.model_validate(payload), self._runtime)
                output = json.loads(answer.model_dump_json())
                self._cross("", "after")
            except (Killed, Exception) as wrong:  # noqa: BLE001  (as Lambda does: every exception is an answer)
                error = wrong
            if done is not None:
                done(output, error)

        self.schedule.spawn(step.name, module.FUNCTION.timeout, Job(step, again or (lambda: None)), body)

    def _answer(self, call: Call, output: Any, error: Killed | Exception | None) -> None:
        if error is None:
            self.machines.returned(call, output)
        elif isinstance(error, Killed):
            self.note("fault", f"{call.state} died: {error.error}")
            self.machines.failed(call, error.error, "the process ended")
        else:
            name = error.error if isinstance(error, Failed) else type(error).__name__
            self.machines.failed(call, name, str(error))

    def _own_call(self, call: Call) -> None:
        """A call of the machine's own: DynamoDB, or the start of another execution."""
        step = self._step(call)
        service = "StepFunctions" if ":::states:" in call.resource else "DynamoDB"

        def body() -> None:
            try:
                self._cross("", "before")
                self.schedule.pause(self._store_delay())
                output = self._own(call)
                self._cross("", "after")
            except ConditionFailed as error:
                self.machines.failed(call, "DynamoDB.ConditionalCheckFailedException", str(error))
            except AlreadyExists as error:
                name = "StepFunctions.ExecutionAlreadyExistsException"
                self.machines.failed(call, name, str(error))
            except Failed as error:
                self.machines.failed(call, error.error, str(error))
            except Killed:
                self.machines.failed(call, f"{service}.SdkClientException", "the answer was lost")
            else:
                self.machines.returned(call, output)

        def again() -> None:
            try:
                self._own(call)
            except (ConditionFailed, AlreadyExists):
                self.note("fault", f"{call.state} again: refused")

        self.schedule.spawn(step.name, 10.0, Job(step, again), body)

    def _own(self, call: Call) -> Any:
        if "putItem" in call.resource:
            self._backing.put_item(call.payload)
            self._tell_of_put(call.payload)
            return {}
        if "updateItem" in call.resource:
            self._backing.update_item(call.payload)
            self._tell_of_update(call.payload)
            return {}
        return self.machines.start_child(call.payload)

    def _step(self, call: Call) -> Step:
        """Who calls, in words that are the same for both waves."""
        payload = call.payload
        state = call.state.replace("Buy", "").replace("Sell", "")
        name = call.function or state
        order_id = payload.get("order_id") or payload.get("Item", {}).get("order_id", {}).get("S", "")
        if order_id:
            row = self.stores.orders.get(order_id)
            account = row.account if row else str(call.running.execution.input.value["account"])
            return Step(name, order_id[0], account, order_id)
        if name == "RecordPosition":
            values = payload["ExpressionAttributeValues"]
            side = "N" if "entry" in payload["ExpressionAttributeNames"]["#quantity"] else "X"
            return Step(name, side, values[":account"]["S"], payload["Key"]["position_id"]["S"])
        account = str(payload.get("account", "")) if call.running.machine == "AccountBasket" else ""
        if name in ("StartEntry", "StartExit"):
            account = payload["Input"]["account"]
        side = "X" if "EXIT" in call.running.name or call.running.name.startswith("exit") else "N"
        if payload.get("purpose"):
            side = payload["purpose"]
        return Step(name, side, account)

    def command(self, name: str, body: Callable[[Runtime], None]) -> None:
        """A person's command: a job like any other, and nobody starts it again when it dies."""

        def nothing() -> None:
            return None

        self._job(Step(name, "", ""), 29.0, nothing, lambda: body(self._runtime), nothing)

    def _job(
        self,
        step: Step,
        seconds: float,
        again: Callable[[], None],
        body: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        """A job that starts, works and ends; `lost` says what follows when it dies or fails."""

        def whole() -> None:
            try:
                self._cross("", "before")
                body()
                self._cross("", "after")
            except (Killed, Exception) as error:  # noqa: BLE001  (whoever called it tries again)
                self.note("fault", f"{step}: {type(error).__name__} {error}")
                lost()

        self.schedule.spawn(step.name, seconds, Job(step, again), whole)

    # --- order updates ---

    def _postback(self, update: Update) -> None:
        """The exchange tells: webhook, queue and ApplyUpdates, with the delays and repeats of this world."""
        for delay in self.update_delay(update):
            self.schedule.after(delay, partial(self._receive, update, 1))

    def _receive(self, update: Update, attempt: int) -> None:
        account = self.venue.sessions.accounts[update.order.account]
        body = json.dumps(postback_body(update.row, account)).encode()
        postback = parse_postback(body, account.api_secret)
        message = OrderUpdate.of(postback.account, postback.order, postback.body).model_dump_json()
        self._apply(message, update.order.request.tag, attempt)

    def _apply(self, message: str, tag: str, attempt: int) -> None:
        update = OrderUpdate.model_validate_json(message)
        step = Step("ApplyUpdates", tag[:1], update.account, tag)

        def lost() -> None:
            if attempt < 5:
                self.schedule.after(SWEEP, partial(self._apply, message, tag, attempt + 1))

        def body() -> None:
            apply_updates.apply(update, self._runtime)

        self._job(step, 15.0, partial(self._apply, message, tag, 9), body, lost)

    # --- crossings ---

    def _cross(self, operation: str, when: str) -> None:
        job = self.schedule.job
        if job is None or not isinstance(job.told, Job):
            return
        assert when in ("before", "after")
        side: When = "before" if when == "before" else "after"
        crossing = Crossing(job.told.step, operation, side)
        if self.crossings is not None:
            self.crossings.append(str(crossing))
        for strike in self.strikes:
            if strike.strikes(crossing, self.schedule.now):
                self.note("fault", f"{strike.what}: {crossing}")
                strike.action(crossing)

    def again(self) -> Callable[[], None]:
        """What runs the current step once more."""
        return self._told().again

    def effect(self) -> Callable[[], object]:
        """What the broker call in progress does at the exchange."""
        lines = self._told().lines
        assert lines is not None
        return lines.effect

    def last_status(self, code: int) -> None:
        """The HTTP status of the answer that is about to be raised."""
        lines = self._told().lines
        assert lines is not None
        lines.status(code)

    def _told(self) -> Job:
        job = self.schedule.job
        assert job is not None
        assert isinstance(job.told, Job)
        return job.told

    def _store_delay(self) -> float:
        return 0.001 + self.dice.random() * 0.007

    def _store_pause(self) -> None:
        self.schedule.pause(self._store_delay())

    def _broker_delay(self) -> float:
        return 0.005 + self.dice.random() * 0.025

    def seat(self, account: str) -> Seat:
        lines = Lines(self._cross, self.schedule.pause, self._broker_delay)
        self._told().lines = lines
        return Seat(self.venue, account, lines, self.clock)

    # --- watching ---

    def _venue_due(self) -> float | None:
        due = self.venue.next_event()
        return due.timestamp() if due is not None else None

    def _watched(self) -> Stores:
        return watched(self.stores, self.streams, self._remember)

    def _tell_of_put(self, arguments: Any) -> None:
        table, item = arguments["TableName"].removeprefix("algo-"), arguments["Item"]
        self.streams.put(table, item)
        if table == "orders":
            self._seen("orders", {"order_id": item["order_id"]})
            self._remember(item["order_id"]["S"])

    def _tell_of_update(self, arguments: Any) -> None:
        table, key = arguments["TableName"].removeprefix("algo-"), arguments["Key"]
        self.streams.update(table, key, assigned(arguments))
        if table == "positions":
            self._seen("positions", key)

    def _seen(self, table: str, key: Any) -> None:
        """What a machine has written is no change of a store's."""
        ((_, named),) = key.items()
        row = getattr(self.stores, table).get(named["S"])
        if row is not None:
            self.streams.seen(table, key, row)

    def _remember(self, order_id: str) -> None:
        row = self.stores.orders.get(order_id)
        history = self.rows.setdefault(order_id, [])
        if row is not None and (not history or history[-1][1] != row):
            history.append((self.schedule.now, row))

    def _ended(self, running: Running) -> None:
        execution = running.execution
        self.note("machine", f"{running.name} {running.status} {execution.error or ''}".rstrip())
        self.operator(running)
