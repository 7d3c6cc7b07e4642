"""What an execution's steps say, for people: a line per state, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.clock import IST
from localstack.history import End, Step

Slot = Mapping[str, Any]
_STATE_WIDTH = 22
_INDENT = len("00:00:00  ") + 14 + _STATE_WIDTH + 1


class Story:
    """Tells steps in the order in which they come, and remembers whose they are."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def tell(self, item: Step | End) -> str:
        """One line, or a few that are aligned."""
        if isinstance(item, End):
            return f"{item.at:%H:%M:%S}  {self._names.get(item.execution, ''):<13} {_end(item)}"
        who = self._names.setdefault(item.execution, _name(item.input))
        where = item.state if item.iteration is None else f"  {item.state} {item.iteration + 1}"
        first, *more = note(item).split("\n")
        head = f"{item.left:%H:%M:%S}  {who:<13} {where:<{_STATE_WIDTH}} {first}".rstrip()
        return "\n".join([head, *(" " * _INDENT + text for text in more)])


def _name(given: Slot) -> str:
    """What the execution that was started with `given` is called here: `entry`, or `ZA1234 entry`."""
    side = str(given.get("transaction_type") or given.get("side") or "")
    return f"{given.get('account', '')} {side.lower()}".strip()


def _end(end: End) -> str:
    if end.status == "SUCCEEDED":
        result = end.output.get("result")
        return "■ succeeded" + (f": {result['status']}, {result['reason']}" if isinstance(result, dict) else "")
    return f"✗ {end.status.lower()}: {end.error} {end.cause}".rstrip(": ")


def note(step: Step) -> str:
    """What came of a step, from the slot that it wrote."""
    if step.kind == "Wait":
        return f"waited from {step.entered:%H:%M:%S}"
    told = [_TOLD[slot](value) for slot, value in _written(step) if slot in _TOLD]
    if step.caught:
        told.insert(0, f"caught {step.caught}")
    return "; ".join(filter(None, told))


def _written(step: Step) -> list[tuple[str, Any]]:
    """The slots that the step wrote, with their values."""
    return [(k, v) for k, v in step.output.items() if step.input.get(k) != v and isinstance(v, dict)]


def _reason(slot: Slot) -> str:
    return str(slot.get("reason", ""))


def _run(slot: Slot) -> str:
    if slot.get("side") != "ENTRY":
        return f"run {slot['run_key']}: exit at {_clock(slot['exit_at'])}"
    accounts = ", ".join(each["account"] for each in slot["accounts"])
    return f"run {slot['run_key']}: {slot['underlying']} in {accounts}, entry at {_clock(slot['entry_at'])}"


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(IST):%H:%M:%S}"


def _number(text: str) -> str:
    """`56272.6` as `56,272.60`: rupees, to the paisa."""
    return f"{Decimal(text):,.2f}"


def _chain(slot: Slot) -> str:
    return f"spot {_number(slot['spot'])}, {slot['quotes']} quotes as of {_clock(slot['snapshot_at'])}"


def _resolved(slot: Slot) -> str:
    return "\n".join(f"{leg['side']} {leg['symbol']}: {leg['reason']}" for leg in slot["legs"])


def _wave(slot: Slot) -> str:
    orders = [*slot["buys"], *slot["sells"]]
    planned = [
        f"{each['side']} {each['quantity']} {each['symbol']} at {each['limit_price']} or better"
        for each in orders
    ]
    return "\n".join([f"{slot['status']}: {slot['reason']}".rstrip(": "), *planned])


def _placed(slot: Slot) -> str:
    return " ".join(filter(None, [slot["outcome"], slot.get("broker_order_id", ""), _reason(slot)]))


def _settled(slot: Slot) -> str:
    return " ".join(filter(None, [str(slot.get("outcome", "")), _reason(slot)]))


def _fill(slot: Slot) -> str:
    return f"{slot['status']}: {slot['filled_quantity']} at {_number(slot['average_price'])}"


def _totals(slot: Slot) -> str:
    way = "in" if slot["quantity_attribute"] == "entry_qty" else "out"
    return f"{slot['symbol']}: {slot['quantity']} {way} at {_number(slot['average_price'])}"


def _assessed(slot: Slot) -> str:
    return f"{slot['status']}: {slot['reason']}".rstrip(": ")


def _chase(slot: Slot) -> str:
    return f"{slot['action']}: {slot['reason']}".rstrip(": ")


_TOLD: dict[str, Callable[[Slot], str]] = {
    "run": _run,
    "weekday": _reason,
    "dte": _reason,
    "chain": _chain,
    "resolved": _resolved,
    "wave": _wave,
    "placed": _placed,
    "settled": _settled,
    "fill": _fill,
    "totals": _totals,
    "barrier": _reason,
    "assessed": _assessed,
    "chase": _chase,
    "exit": _reason,
    "cancelled": _reason,
    "result": _reason,
}
