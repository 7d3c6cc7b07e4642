"""AccountBasket: one broker account's part of one side of a run, one execution each.

Going in: plan, buy, sell, and look whether the position stands as it was meant to. Going out, or where the
entry has to be undone: no new entry can leave any more, what still works is cancelled and settled, then
exactly what filled is closed, until nothing is left. An exit may be of some legs only, and the rest stays open.
"""

from __future__ import annotations

from typing import Any

from tasks import assess_entry, begin_exit, cancel_entries, check_barrier, settle_entries
from tasks.contracts import AccountTask, Wave
from workflows import parts
from workflows.asl.conditions import When
from workflows.asl.context import EXECUTION_ID
from workflows.asl.machine import Machine
from workflows.asl.paths import Path, fields_of
from workflows.asl.states import Choice, State, Succeed, Task, Wait
from workflows.wave import OrderResult, wave


class Data(AccountTask):
    wave: Wave
    bought: list[OrderResult]
    barrier: check_barrier.Output
    sold: list[OrderResult]
    assessed: assess_entry.Output
    exit: begin_exit.Output
    cancelled: cancel_entries.Output
    settled: settle_entries.Output


_ACCOUNT = {"run_key": Path("$.run_key"), "account": Path("$.account")}
_LEGS = {**_ACCOUNT, "legs": Path("$.exit_legs")}
"""Of an exit: the legs it closes, none for all. An entry has none, so undoing it closes everything."""

_ENTRY: list[State] = [
    Choice(
        name="EntryOrExit",
        choices=[When(Path("$.side").equals("EXIT"), "BeginExit")],
        default="PlanAccount",
    ),
    parts.invoke(
        "PlanAccount",
        "plan_account",
        "wave",
        {**fields_of(AccountTask), "execution": EXECUTION_ID},
        comment="Nothing was sent yet: mend what is wrong (an expired token) and redrive inside the window",
        redrivable=True,
    ),
    Choice(
        name="EntryReady",
        choices=[When(Path("$.wave.status").equals("READY"), "BuyWave")],
        default="Missed",
    ),
    Succeed(name="Missed"),
]

_WAVES: list[State] = [
    wave("Buy", "$.wave.buys", "bought"),
    Choice(
        name="NeedsBarrier",
        choices=[When(Path("$.wave.both").equals(True), "CheckBarrier")],
        default="SellWave",
    ),
    parts.invoke(
        "CheckBarrier",
        "check_barrier",
        "barrier",
        {**_LEGS, "purpose": Path("$.wave.purpose")},
        comment="Going in, shorts wait for their hedges; going out, hedges wait for the shorts",
        retry=parts.PERSISTENCE,
    ),
    Choice(
        name="BarrierHolds",
        choices=[When(Path("$.barrier.ok").equals(False), "AfterWaves")],
        default="SellWave",
    ),
    wave("Sell", "$.wave.sells", "sold"),
    Choice(
        name="AfterWaves",
        choices=[When(Path("$.wave.purpose").equals("X"), "ComputeExit")],
        default="AssessEntry",
    ),
    parts.invoke("AssessEntry", "assess_entry", "assessed", _ACCOUNT, retry=parts.PERSISTENCE),
    Choice(
        name="EntryAssessed",
        choices=[
            When(Path("$.assessed.status").equals("OPEN"), "Open"),
            When(Path("$.assessed.status").equals("NOTHING"), "NothingEntered"),
            When(Path("$.assessed.status").equals("OVERTAKEN"), "OvertakenByExit"),
        ],
        default="BeginExit",
    ),
    Succeed(name="Open"),
    Succeed(name="NothingEntered"),
    Succeed(name="OvertakenByExit"),
]


def _closing(name: str, module: str, slot: str, **onward: Any) -> Task:
    """A step on the way out: an outage or an expired token delays it, and never ends it."""
    return parts.invoke(name, module, slot, _LEGS, retry=parts.PERSISTENCE, **onward)


_EXIT: list[State] = [
    parts.invoke(
        "BeginExit",
        "begin_exit",
        "exit",
        {**_LEGS, "execution": EXECUTION_ID},
        comment="From here on no new entry can leave: of the account, or of the legs that are closed",
        retry=parts.PERSISTENCE,
        redrivable=True,
    ),
    Choice(
        name="AnythingToClose",
        choices=[When(Path("$.exit.found").equals(False), "Flat")],
        default="CancelEntries",
    ),
    _closing("CancelEntries", "cancel_entries", "cancelled"),
    _closing("SettleEntries", "settle_entries", "settled"),
    Choice(
        name="EntriesSettled",
        choices=[When(Path("$.settled.settled").equals(False), "WaitToSettle")],
        default="ComputeExit",
    ),
    Wait(name="WaitToSettle", until=Path("$.settled.retry_at"), next="CancelEntries"),
    _closing("ComputeExit", "compute_exit", "wave", comment="Entry fills minus exit fills, of each leg"),
    Choice(
        name="ExitComputed",
        choices=[
            When(Path("$.wave.status").equals("READY"), "BuyWave"),
            When(Path("$.wave.status").equals("FLAT"), "Flat"),
        ],
        default="WaitForMarket",
    ),
    Wait(name="WaitForMarket", until=Path("$.wave.retry_at"), next="ComputeExit"),
    Succeed(name="Flat"),
]

ACCOUNT_BASKET = Machine(
    name="AccountBasket",
    comment="One broker account's part of one side of a run",
    input=AccountTask,
    data=Data,
    states=[*_ENTRY, *_WAVES, *_EXIT],
)
