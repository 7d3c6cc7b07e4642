"""The guards of the order path, each of which can be switched off here to see what it is good for.

A guard that no cell misses is no guard. Switching off replaces the line that guards, in this process only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from tasks import (
    assess_entry,
    cancel_entries,
    chase_order,
    check_barrier,
    place_order,
    plan_account,
)
from tasks.orderpath import updates
from tasks.orderpath.book import Book
from tasks.stores import forward, memory
from tasks.stores.journal import Head
from tasks.stores.journal_memory import MemoryEvents
from tasks.stores.memory import MemoryOrders, MemoryRuns
from tasks.stores.ports import OrderRow, OrderState
from tests.faults import play as playing
from tests.faults.matrix import Cell
from tests.faults.play import Scenario, play
from tests.faults.shapes import MANY, Shape

Say = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard: what it is, how to switch it off, and where its absence is looked for."""

    name: str
    off: Callable[[], Any]
    cells: tuple[str, ...]
    shapes: tuple[Shape, ...] = (Shape("2", 1, "instant"), Shape("4h", 3, "slow"))
    beside: str = ""
    """What else is done on the day."""


@contextmanager
def _patched(*patches: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


def _claims_again(self: MemoryOrders, order: OrderRow) -> bool:
    """A plain put: whatever was there is gone."""
    self._rows[order.order_id] = order
    return True


def _unguarded_put() -> Any:
    return _patched(patch.object(MemoryOrders, "claim", _claims_again))


def _intent_after_send() -> Any:
    """The intent is only in the sender's memory until the reply is stored: it dies with the sender."""
    run = place_order.run

    def forgetful(request: place_order.Input, rt: Any) -> place_order.Output:
        try:
            return run(request, rt)
        except BaseException:
            rt.stores.orders._store._store._rows.pop(request.order_id, None)
            raise

    return _patched(patch.object(place_order, "run", forgetful))


def _no_tag() -> Any:
    def by_id_only(self: Book, order: OrderRow) -> Any:
        return self.by_id.get(order.broker_order_id)

    return _patched(patch.object(Book, "find", by_id_only))


def _no_lag() -> Any:
    def at_once(order: OrderRow, now: datetime) -> bool:
        return order.sent_at is not None

    return _patched(patch.object(updates, "lag_is_over", at_once))


def _no_barrier() -> Any:
    def always(request: Any, rt: Any) -> check_barrier.Output:
        return check_barrier.Output(ok=True, reason="nobody looked")

    return _patched(patch.object(check_barrier, "run", always))


def _no_pace() -> Any:
    def at_will(rt: Any, account: str, *, exiting: bool) -> None:
        return None

    return _patched(
        *(patch.object(module, "ask_to_send", at_will) for module in (place_order, chase_order, cancel_entries))
    )


def _anything_goes() -> Any:
    """The newest update wins, whatever it says."""

    def overwrite(row: OrderRow, status: OrderState, *, at: datetime, **fields: Any) -> dict[str, Any]:
        return {"status": status, "updated_at": at} | fields

    return _patched(patch.object(memory, "changes", overwrite), patch.object(forward, "changes", overwrite))


def _no_grace() -> Any:
    from tasks import open_run

    entry = open_run._output

    def for_ever(payload: Any, **fields: Any) -> open_run.Output:
        return entry(payload, **fields | {"entry_until": payload.entry_at + timedelta(hours=5)})

    return _patched(patch.object(open_run, "_output", for_ever))


def _no_claim() -> Any:
    def everybody(self: MemoryRuns, run_key: str, side: str, **_: Any) -> bool:
        return True

    return _patched(patch.object(MemoryRuns, "claim", everybody))


def _no_unwind() -> Any:
    assess = assess_entry._assess

    def keep(rt: Any, plan: Any, orders: Any, missing: Any) -> Any:
        return assess(rt, plan.model_copy(update={"on_leg_reject": "keep"}), orders, missing)

    return _patched(patch.object(assess_entry, "_assess", keep))


def _siblings_go_on() -> Any:
    def never(stores: Any, run_key: str, account: str) -> bool:
        return False

    return _patched(patch.object(chase_order, "cannot_be_whole", never))


def _nobody_looks() -> Any:
    def never(world: Any, machines: Any) -> None:
        return None

    return _patched(patch.object(playing, "each_minute", never))


def _streams_are_taken_at_their_word() -> Any:
    """What is delivered is recorded, also what was before."""
    head = MemoryEvents.head

    def without_position(self: MemoryEvents, aggregate: str) -> Head:
        return replace(head(self, aggregate), position="")

    return _patched(patch.object(MemoryEvents, "head", without_position))


class _NobodyHolds:
    def held(self, places: Any) -> list[Any]:
        return []


def _no_kill_switch() -> Any:
    """It is pressed, and whoever plans or sends an entry does not look."""
    begin = MemoryOrders.begin_send

    def regardless(self: MemoryOrders, order: OrderRow, **how: Any) -> bool:
        halts, self._halts = self._halts, _NobodyHolds()  # type: ignore[assignment]
        try:
            return begin(self, order, **how)
        finally:
            self._halts = halts

    def none(stores: Any, user_id: str, account: str) -> None:
        return None

    return _patched(
        patch.object(MemoryOrders, "begin_send", regardless),
        *(patch.object(module, "holding", none) for module in (place_order, plan_account)),
    )


GUARDS = (
    Guard("conditional put", _unguarded_put, ("F2/P4", "F3/P4", "F2/P11", "F3/P11", "F13/P4")),
    Guard("intent before send", _intent_after_send, ("F1/P6", "F1/P7", "F1/P11", "F13/P7", "F15/P7")),
    Guard("tag look-up", _no_tag, ("F5/P5", "F5/P6", "F5/P11", "F7/P6", "F15/P6")),
    Guard("book-lag window", _no_lag, ("F5/P5", "F15/P6", "F15/P7", "F15/P11")),
    Guard("hedge barrier", _no_barrier, ("F9/P5", "F9/P7", "F9/P11", "F10/P8", "F10/P11", "F6/P11")),
    Guard("rate limiter", _no_pace, ("F8/P5", "F8/P11", "F1/P12"), (MANY,)),
    Guard("forward-only updates", _anything_goes, ("F11/P6", "F11/P8", "F11/P9", "F11/P11", "F11/P12")),
    Guard("late-start grace", _no_grace, ("F14/P1", "F14/P2", "F14/P3")),
    Guard("claim of the run", _no_claim, ("F3/P3",), (Shape("2", 3, "instant"), Shape("4h", 3, "slow"))),
    Guard("unwind", _no_unwind, ("F9/P5", "F9/P7", "F18/P4", "F10/P8")),
    Guard("position in the stream", _streams_are_taken_at_their_word, ("F2/P8", "F11/P8")),
    Guard("a look each minute", _nobody_looks, ("F14/P9", "F14/P10", "F14/P11", "F16/P9")),
    Guard(
        "kill switch",
        _no_kill_switch,
        ("F4/P5", "F8/P5", "F6/P5"),
        (Shape("4h", 1, "slow"), Shape("4h", 3, "slow")),
        beside="kill",
    ),
    Guard(
        "giving up siblings",
        _siblings_go_on,
        ("F9/P5", "F9/P7"),
        (Shape("2", 1, "slow"), Shape("4", 3, "slow")),
    ),
)
TRIES = 4
"""Seeds for each cell and shape."""


def caught(guard: Guard, *, off: bool = True) -> dict[str, set[str]]:
    """The cells that miss the guard, with the invariants that say so. With `off=False`: what fails anyway."""
    found: dict[str, set[str]] = {}
    for cell in guard.cells:
        for shape in guard.shapes:
            for seed in range(TRIES):
                for invariant in _violated(guard, cell, shape, seed, off=off):
                    found.setdefault(cell, set()).add(invariant)
    return found


def first_caught(guard: Guard) -> str | None:
    """The first day that misses the guard, or None."""
    for cell in guard.cells:
        for shape in guard.shapes:
            for seed in range(TRIES):
                if _violated(guard, cell, shape, seed, off=True):
                    return f"{cell} {shape} seed {seed}"
    return None


def _violated(guard: Guard, cell: str, shape: Shape, seed: int, *, off: bool) -> set[str]:
    with guard.off() if off else ExitStack():
        played = play(Scenario((Cell.parse(cell),), shape, seed, guard.beside))
    return {violation.invariant for violation in played.violations}


def guard_table(say: Say) -> int:
    """Print, for each guard switched off, the cells that fail. 1 if one is missed by none."""
    say(f"{'guard switched off':<24}cells that fail, and what they violate")
    useless = []
    for guard in GUARDS:
        cells = caught(guard)
        told = ", ".join(f"{cell} ({' '.join(sorted(found))})" for cell, found in cells.items())
        say(f"{guard.name:<24}{told or 'NONE'}")
        useless += [] if cells else [guard.name]
    say("", f"{len(GUARDS) - len(useless)} of {len(GUARDS)} guards are missed when they are off")
    return 1 if useless else 0
