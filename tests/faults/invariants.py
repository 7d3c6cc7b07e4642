"""What must hold after a day, whatever went wrong: checked against the exchange's own ledger, not ours.

The numbers are those of the reliability rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from brokers.simulator.orders import Order, Status
from tasks.orderpath.legs import shorts_under
from tasks.stores.ports import AccountRun, OrderState, Phase
from tests.faults.arming import Expected, due
from tests.faults.journal import journal_of, untruths
from tests.faults.shapes import FREEZE
from tests.faults.world import RUN, World
from workflows.asl.interpreter import Status as Run

ENTRY_UNTIL = (9, 35)
GRACE = 1.0
"""Seconds: an order that left before the window closed may arrive a moment later."""
PAGED_WITHIN = 60.0
"""Seconds for which an exit may have nothing at the broker before a person is called."""
STRANGERS = 1.0
"""Seconds that one account's fault may cost another account's exit."""
PLAIN_EXIT = 6.0
"""Seconds from its time to the first closing order, where no usual time is known."""
BACK_WITHIN = 30.0
"""Seconds from the broker's, or the token's, return to the first closing order."""
SWEPT = 67.0
"""Seconds from an exit's time to the minute's look that finds it not begun: the second one after it."""
RECOGNISED = 75.0
"""Seconds from what a person trades to the reconciler's word of it."""
CALLS = ((10, 1.0), (400, 60.0), (5_000, 86_400.0))
"""Order calls of one account that Kite takes in a second, a minute and a day (seconds)."""
MODIFICATIONS, SLICES = 25, 10
"""Of one order; of one leg in one attempt."""
PRICE_DIGITS = Decimal("0.0001")
"""Rupees: Kite's averages are JSON floats."""
RESULT = {
    Status.COMPLETE: OrderState.FILLED,
    Status.CANCELLED: OrderState.CANCELLED,
    Status.REJECTED: OrderState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Violation:
    invariant: str
    account: str
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} {self.account}: {self.text}"


@dataclass(frozen=True, slots=True)
class Day:
    """One day that is over, with what it owed."""

    world: World
    expected: Expected
    run_key: str

    @property
    def paged(self) -> bool:
        """A person was called: an alarm that says that an exit does not get on, or a failed execution."""
        return bool(
            {name for _, name, _ in self.world.alarms.raised} & {"ExitBlocked", "PositionReversed"}
        ) or any(r.status is Run.FAILED for r in self.world.machines.executions.values())

    def paged_between(self, account: str, since: float, until: float) -> bool:
        """An alarm of this account (each of them calls a person), or an execution of its that failed."""
        alarms = (at for at, _, of in self.world.alarms.raised if of in (account, ""))
        failed = (
            running.execution.history.events[-1].at
            for running in self.world.machines.executions.values()
            if running.status is Run.FAILED and (account in running.name or running.machine != "AccountBasket")
        )
        return any(since <= at <= until for at in (*alarms, *failed))

    def plan(self, account: str) -> AccountRun | None:
        return self.world.stores.runs.account(self.run_key, account)

    def ours(self, account: str) -> list[Order]:
        """Orders of ours at the exchange, oldest first."""
        return [order for order in self.world.venue.orders(account) if order.from_api]

    def time_of(self, hour: int, minute: int) -> float:
        return self.world.clock_time(hour, minute).timestamp()

    @property
    def exit_due(self) -> float:
        at = due(self.world, self.expected).timestamp()
        late = max(0.0, self.expected.exit_late - 120.0)
        return at + (SWEPT if self.expected.swept else min(late, SWEPT))


Check = Callable[[Day, str], Iterator[str]]


def violations(world: World, expected: Expected) -> list[Violation]:
    day = Day(world, expected, RUN.format(day=world.day))
    found = [
        Violation(name, account, text)
        for name, check in CHECKS
        for account in world.shape.accounts
        for text in check(day, account)
    ]
    found += [Violation("I10", account, text) for account, text in journal_is_true(day)]
    found += [Violation("I14", "", text) for text in same_contracts(day)]
    return found + [Violation("END", "", text) for text in all_ended(day)]


def one_order_per_intent(day: Day, account: str) -> Iterator[str]:
    """I1: at most one accepted order per tag, and each tag has a row."""
    seen: set[str] = set()
    for order in day.ours(account):
        tag = order.request.tag
        if tag in seen:
            yield f"{tag} is there twice"
        seen.add(tag)
        if day.world.stores.orders.get(tag) is None:
            yield f"{tag} was sent without an intent"


def flat_at_the_end(day: Day, account: str, *, excused: bool = True) -> Iterator[str]:
    """I2: what was ours is closed once, by us or by a person; what is left is the person's own."""
    net = day.world.venue.net(account)
    early, late = outside(day, account, before=day.exit_due - 1), outside(day, account, since=day.exit_due - 1)
    entered = _entered(day, account)
    for symbol in sorted({*net, *entered, *early, *late}):
        left, ours = net.get(symbol, 0), entered.get(symbol, 0)
        due_at_end = _rest(ours, early.get(symbol, 0)) + late.get(symbol, 0)
        if left == due_at_end or (excused and not day.expected.flat and day.paged):
            continue
        if late.get(symbol, 0) and _between(left, 0, due_at_end):
            continue  # he traded in the middle of our exit, which could count it or not
        yield f"{left} {symbol} left at the end, {due_at_end} expected"


def never_silent(day: Day, account: str) -> Iterator[str]:
    """I2: while something is open and due, no minute goes by with nothing at the broker and nobody called."""
    closing = [order for order in day.ours(account) if order.request.tag.startswith("X")]
    since, end = day.exit_due, _open_until(day, account, closing)
    for order in sorted(closing, key=lambda order: order.accepted_at):
        yield from _silence(day, account, since, min(order.accepted_at.timestamp(), end))
        since = max(since, _ended_at(order))
    yield from _silence(day, account, since, end)


def _open_until(day: Day, account: str, closing: list[Order]) -> float:
    """When the last of ours was closed; the end of the day if something is left, its time if nothing was."""
    if any(True for _ in flat_at_the_end(day, account, excused=False)):
        return day.world.schedule.now
    return max((trade.at.timestamp() for order in closing for trade in order.trades), default=day.exit_due)


def _silence(day: Day, account: str, since: float, until: float) -> Iterator[str]:
    if until - since > PAGED_WITHIN and not day.paged_between(account, since - 1.0, since + PAGED_WITHIN):
        yield f"{until - since:.0f} s without a closing order at the broker, and nobody was called"


def _rest(ours: int, strange: int) -> int:
    """What remains of a person's trades after those that closed ours: we close the rest of ours."""
    if ours * strange >= 0:
        return strange
    return ours + strange if abs(strange) > abs(ours) else 0


def _between(value: int, one: int, other: int) -> bool:
    return min(one, other) <= value <= max(one, other)


def _entered(day: Day, account: str) -> dict[str, int]:
    net: dict[str, int] = defaultdict(int)
    for order in day.ours(account):
        if order.request.tag.startswith("N"):
            net[order.contract.symbol] += _signed(order.side, order.filled)
    return net


def outside(day: Day, account: str, *, since: float = 0.0, before: float = float("inf")) -> dict[str, int]:
    """What a person traded, signed units by symbol."""
    net: dict[str, int] = defaultdict(int)
    for order in day.world.venue.orders(account):
        if not order.from_api and since <= order.accepted_at.timestamp() < before:
            net[order.contract.symbol] += _signed(order.side, order.filled)
    return net


def exits_are_prompt(day: Day, account: str) -> Iterator[str]:
    """I3 and I12: the first closing order is accepted within seconds of its time."""
    alone = _closing_alone(day, account)
    held = {symbol for symbol in _held_at(day, account, day.exit_due) if symbol not in alone}
    if not held or (alone and not held - _hedges(day, account)):
        return
    usual = day.expected.usual.get(account)
    bound = PLAIN_EXIT if usual is None else usual + STRANGERS
    if day.expected.is_hurt(account):
        mended = day.expected.mended_at + BACK_WITHIN - day.exit_due
        bound = max(day.expected.exit_within, mended)
    closing = [o for o in day.ours(account) if o.request.tag.startswith("X")]
    first = min((o.accepted_at.timestamp() for o in closing if o.contract.symbol not in alone), default=None)
    if first is None:
        if bound < 1e6:
            yield f"no closing order was ever accepted, though {sorted(held)} was open"
    elif first - day.exit_due > bound:
        yield f"the first closing order came {first - day.exit_due:.1f} s after its time, not {bound:.1f}"


def _closing_alone(day: Day, account: str) -> set[str]:
    """The contracts of the legs that were closed on their own."""
    plan = day.plan(account)
    return {leg.symbol for leg in plan.legs if leg.leg in plan.closing} if plan else set()


def _hedges(day: Day, account: str) -> set[str]:
    plan = day.plan(account)
    return {leg.symbol for leg in plan.legs if leg.side == "BUY"} if plan else set()


def _held_at(day: Day, account: str, at: float) -> dict[str, int]:
    net: dict[str, int] = defaultdict(int)
    for trade in day.world.venue.exchange.trades:
        if trade.account == account and trade.at.timestamp() < at:
            net[trade.contract.symbol] += _signed(trade.side, trade.quantity)
    return {symbol: units for symbol, units in net.items() if units}


def never_over_closed(day: Day, account: str) -> Iterator[str]:
    """I4: our own trades in a contract never change its sign."""
    running: dict[str, int] = defaultdict(int)
    first: dict[str, str] = {}
    for trade in day.world.venue.exchange.trades:
        order = day.world.venue.exchange.orders[trade.order_id]
        if trade.account != account or not order.from_api:
            continue
        symbol = trade.contract.symbol
        first.setdefault(symbol, trade.side)
        running[symbol] += _signed(trade.side, trade.quantity)
        if running[symbol] * _signed(first[symbol], 1) < 0:
            yield f"{symbol} changed its sign: {running[symbol]}"


def hedges_first(day: Day, account: str) -> Iterator[str]:
    """I5: going in, a short is sent only after its hedges filled; going out, shorts are flat before."""
    plan = day.plan(account)
    if not day.world.shape.hedged or plan is None:
        return
    hedge = {leg.symbol: sum(leg.slices) for leg in plan.legs if leg.side == "BUY"}
    short = {leg.symbol for leg in plan.legs if leg.side == "SELL"}
    # A leg that is closed on its own may leave the other side of the basket standing, hedge and short.
    under = {
        leg.symbol: {s.symbol for s in shorts_under(plan, leg)} if plan.closing else short
        for leg in plan.legs
        if leg.side == "BUY"
    }
    for order in day.ours(account):
        at, symbol = order.accepted_at.timestamp(), order.contract.symbol
        held = _held_at(day, account, at + 1e-6)
        if order.request.tag.startswith("N") and symbol in short:
            over = {s: units for s, units in hedge.items() if symbol in under[s]}
            bare = {s: held.get(s, 0) for s, units in over.items() if held.get(s, 0) < units}
            if bare:
                yield f"{symbol} was sold when the hedges were {bare}"
        if order.request.tag.startswith("X") and symbol in hedge:
            naked = {s: held[s] for s in under[symbol] if held.get(s, 0) < 0}
            if naked:
                yield f"the hedge {symbol} was sold while short {naked}"


def ledgers_agree(day: Day, account: str) -> Iterator[str]:
    """I6 and I7: our row of each order says what the exchange says, fills above all."""
    for order in day.ours(account):
        row = day.world.stores.orders.get(order.request.tag)
        if row is None:
            continue
        if row.filled_quantity != order.filled:
            yield f"{row.order_id} has {row.filled_quantity} filled, the exchange {order.filled}"
        if row.broker_order_id != order.id:
            yield f"{row.order_id} is {row.broker_order_id or 'unknown'} with us, {order.id} at the exchange"
        if row.filled_quantity and abs(row.average_price - order.average_price) > PRICE_DIGITS:
            yield f"{row.order_id} filled at {row.average_price} with us, at {order.average_price} there"
        expected = RESULT.get(order.status)
        if expected is not row.status and not (row.status is OrderState.ABSENT and order.terminal):
            yield f"{row.order_id} is {row.status} with us, {order.status} at the exchange"


def positions_agree(day: Day, account: str) -> Iterator[str]:
    """I6 and I7: a position is the sum of its orders' trades at the exchange, each trade counted once."""
    plan = day.plan(account)
    for leg in plan.legs if plan else ():
        row = day.world.stores.positions.get(leg.position_id)
        for purpose, units in (("N", row.entry_qty if row else 0), ("X", row.exit_qty if row else 0)):
            trades = {
                trade.trade_id: trade.quantity
                for order in day.ours(account)
                if order.request.tag.startswith(purpose) and order.contract.symbol == leg.symbol
                for trade in order.trades
            }
            if sum(trades.values()) != units:
                yield f"{leg.position_id} {purpose} has {units} units, the exchange {sum(trades.values())}"


def rows_only_move_forward(day: Day, account: str) -> Iterator[str]:
    """I7: states and fills of a row never go back (but for an order that surely did not leave)."""
    for order_id, history in day.world.rows.items():
        for (_, one), (_, two) in pairwise(history):
            if one.account != account:
                continue
            unsent = one.status is OrderState.SENDING and two.status is OrderState.CLAIMED
            if two.status.rank < one.status.rank and not unsent:
                yield f"{order_id} went back from {one.status} to {two.status}"
            if one.status.terminal and two.status is not one.status:
                yield f"{order_id} was {one.status} and became {two.status}"
            if two.filled_quantity < one.filled_quantity:
                yield f"{order_id} lost fills: {one.filled_quantity} to {two.filled_quantity}"


def within_limits(day: Day, account: str) -> Iterator[str]:
    """I8: the broker's limits on calls; of each order, on its size, its modifications and its slices."""
    times = [asked.at for asked in day.world.venue.asked if asked.account == account]
    for most, window in CALLS:
        worst = _most_within(times, window)
        if worst > most:
            yield f"{worst} order calls within {window:.0f} s"
    slices: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order in day.ours(account):
        tag = order.request.tag
        slices[tag[:-3], tag[-2:]].add(tag[-3])
        if order.quantity > FREEZE:
            yield f"{tag} is of {order.quantity} units"
        if order.modifications > MODIFICATIONS:
            yield f"{tag} was modified {order.modifications} times"
        if order.request.order_type != "LIMIT":
            yield f"{tag} is a {order.request.order_type} order"
    for (position, attempt), numbers in slices.items():
        if len(numbers) > SLICES:
            yield f"{position} has {len(numbers)} slices in attempt {attempt}"


def _most_within(times: list[float], window: float) -> int:
    """The most of `times`, which rise, within any such window."""
    worst = first = 0
    for last, at in enumerate(times):
        while times[first] <= at - window:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def whole_or_nothing(day: Day, account: str) -> Iterator[str]:
    """I9: before the exit, an all-or-none entry stands whole, or not at all."""
    plan = day.plan(account)
    excused = not day.expected.whole and day.expected.is_hurt(account)
    excused = excused or day.world.halted is not None
    if plan is None or excused or day.exit_due < day.time_of(9, 38):
        return
    alone = _closing_alone(day, account)
    held = {s: units for s, units in _held_at(day, account, day.time_of(9, 38)).items() if s not in alone}
    planned = {
        leg.symbol: _signed(leg.side.value, sum(leg.slices)) for leg in plan.legs if leg.symbol not in alone
    }
    if held and held != planned:
        yield f"at 09:38 it held {held} of {planned}"
    yield from _undone_late(day, account)


def _undone_late(day: Day, account: str) -> Iterator[str]:
    """From the first rejection of an entry to the first order that undoes the rest, where there is any."""
    refused = [
        at
        for order_id, history in day.world.rows.items()
        for at, row in history
        if row.account == account and order_id.startswith("N") and row.status is OrderState.REJECTED
    ]
    closing = [o.accepted_at.timestamp() for o in day.ours(account) if o.request.tag.startswith("X")]
    if day.expected.unwound_within and refused and closing:
        took = min(closing) - min(refused)
        if took > day.expected.unwound_within:
            yield f"undone {took:.1f} s after the rejection, not {day.expected.unwound_within:.0f}"


def nothing_entered_late(day: Day, account: str) -> Iterator[str]:
    """I11: no entry after its window, or on a day that is not the strategy's."""
    until = day.time_of(*ENTRY_UNTIL) + GRACE + max(0.0, -day.world.clock.skew)
    for order in day.ours(account):
        if order.request.tag.startswith("N"):
            if order.accepted_at.timestamp() > until:
                yield f"{order.request.tag} entered at {order.accepted_at:%H:%M:%S}"
            if not day.expected.may_enter:
                yield f"{order.request.tag} entered on a day on which nothing may"


def never_more_than_planned(day: Day, account: str) -> Iterator[str]:
    """I13: what is live or filled of a leg, per side, is never more than the plan."""
    plan = day.plan(account)
    if plan is None:
        return
    planned = {leg.symbol: sum(leg.slices) for leg in plan.legs}
    orders: dict[tuple[str, str], list[Order]] = defaultdict(list)
    for order in day.ours(account):
        orders[order.contract.symbol, order.side].append(order)
    for (symbol, side), group in orders.items():
        worst = max(_exposed(group, at.accepted_at.timestamp()) for at in group)
        if worst > planned.get(symbol, 0):
            yield f"{side} {symbol}: {worst} live or filled at once, {planned.get(symbol, 0)} planned"


def _exposed(orders: list[Order], at: float) -> int:
    """Units filled by `at`, and those that could still fill then."""
    total = 0
    for order in orders:
        if order.accepted_at.timestamp() > at:
            continue
        filled = sum(trade.quantity for trade in order.trades if trade.at.timestamp() <= at)
        ended = order.terminal and _ended_at(order) <= at
        total += filled if ended else order.quantity
    return total


def _ended_at(order: Order) -> float:
    """When it became terminal. History has whole seconds: the last trade is finer, where there is one."""
    return order.ended_at.timestamp() if order.ended_at is not None else float("inf")


def journal_is_true(day: Day) -> Iterator[tuple[str, str]]:
    """I10: each change of a state is one event, and what the read-models fold to is what the tables say."""
    return untruths(day.world, journal_of(day.world), day.run_key)


def nothing_after_the_kill_switch(day: Day, account: str) -> Iterator[str]:
    """I15: where the kill switch holds, no entry is sent any more."""
    world, plan = day.world, day.plan(account)
    halted = world.halted
    if halted is None or plan is None or not halted.reach.holds(plan):
        return
    if not world.stores.halts.held([halted.reach.place]):
        return  # it died before its first write: nobody pressed it
    for order_id, history in world.rows.items():
        sent = [at for at, row in history if row.status is OrderState.SENDING and row.account == account]
        if order_id.startswith("N") and sent and min(sent) > halted.since + 1e-6:
            yield f"{order_id} was sent {min(sent) - halted.since:.3f} s after the kill switch held"


def same_contracts(day: Day) -> Iterator[str]:
    """I14: one run trades the same contracts in all accounts."""
    plans = [plan for account in day.world.shape.accounts if (plan := day.plan(account))]
    contracts = {tuple(leg.symbol for leg in plan.legs) for plan in plans}
    if len(contracts) > 1:
        yield f"accounts of one run trade different contracts: {sorted(contracts)}"


def all_ended(day: Day) -> Iterator[str]:
    """Nothing runs for ever; and who is flat says so."""
    for running in day.world.machines.executions.values():
        if running.status is Run.RUNNING and day.expected.flat:
            yield f"{running.name} still runs"
    for account in day.world.shape.accounts:
        plan = day.plan(account)
        if plan is not None and plan.phase is not Phase.FLAT and day.expected.flat:
            yield f"{account} ends as {plan.phase}"


def _signed(side: str, units: int) -> int:
    return units if side == "BUY" else -units


def strangers_are_recognised(day: Day, account: str) -> Iterator[str]:
    """I6: what others traded in a contract of ours is told within a minute or so, each time."""
    plan = day.plan(account)
    if plan is None or day.expected.parts or "Reconcile" not in day.expected.housekeeping:
        return
    ours = {leg.symbol for leg in plan.legs}
    told = [at for at, name, who in day.world.alarms.raised if (name, who) == ("ExternalActivity", account)]
    for order in day.world.venue.orders(account):
        at = order.accepted_at.timestamp()
        if order.from_api or not order.filled or order.contract.symbol not in ours:
            continue
        if not any(at <= moment <= at + RECOGNISED for moment in told):
            yield f"{order.filled} {order.contract.symbol} at {order.accepted_at:%H:%M:%S}: nobody was told"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("I1", one_order_per_intent),
    ("I2", flat_at_the_end),
    ("I2", never_silent),
    ("I3", exits_are_prompt),
    ("I4", never_over_closed),
    ("I5", hedges_first),
    ("I6", ledgers_agree),
    ("I6", positions_agree),
    ("I6", strangers_are_recognised),
    ("I7", rows_only_move_forward),
    ("I8", within_limits),
    ("I9", whole_or_nothing),
    ("I11", nothing_entered_late),
    ("I13", never_more_than_planned),
    ("I15", nothing_after_the_kill_switch),
)
