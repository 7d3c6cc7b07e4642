"""The switches: what is to go wrong, how often, and for which requests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from brokers.simulator.orders import Behaviour


class FaultKind(StrEnum):
    # The reply: `_accepted` does what was asked and spoils the reply, `_lost` does nothing and spoils it.
    HANG_ACCEPTED = "hang_accepted"
    HANG_LOST = "hang_lost"
    BAD_GATEWAY_ACCEPTED = "bad_gateway_accepted"
    BAD_GATEWAY_LOST = "bad_gateway_lost"
    TIMED_OUT_ACCEPTED = "timed_out_accepted"
    TIMED_OUT_LOST = "timed_out_lost"
    BROKEN_JSON_ACCEPTED = "broken_json_accepted"
    BROKEN_JSON_LOST = "broken_json_lost"
    DROP_ACCEPTED = "drop_accepted"
    DROP_LOST = "drop_lost"
    TOO_MANY_REQUESTS = "too_many_requests"
    REFUSE = "refuse"
    # The order: accepted with an id, then treated like this.
    REJECT = "reject"
    INVISIBLE = "invisible"
    STUCK = "stuck"
    SLOW_FILL = "slow_fill"
    HOLD_OPEN = "hold_open"
    PARTIAL = "partial"
    CANCEL_LOSES = "cancel_loses"
    # The postback of an update.
    POSTBACK_NONE = "postback_none"
    POSTBACK_DUPLICATE = "postback_duplicate"
    POSTBACK_DELAYED = "postback_delayed"
    POSTBACK_OUT_OF_ORDER = "postback_out_of_order"
    POSTBACK_BAD_CHECKSUM = "postback_bad_checksum"
    # The ticker's connection; each strikes as a second's frame is due.
    STREAM_SILENT = "stream_silent"
    STREAM_HALF_OPEN = "stream_half_open"
    STREAM_CUT = "stream_cut"
    STREAM_LATE = "stream_late"
    STREAM_REPEATED = "stream_repeated"


REPLY_KINDS = frozenset(kind for kind in FaultKind if kind.value.endswith(("_accepted", "_lost"))) | {
    FaultKind.TOO_MANY_REQUESTS,
    FaultKind.REFUSE,
}
POSTBACK_KINDS = frozenset(kind for kind in FaultKind if kind.value.startswith("postback_"))
STREAM_KINDS = frozenset(kind for kind in FaultKind if kind.value.startswith("stream_"))
ORDER_KINDS = frozenset(FaultKind) - REPLY_KINDS - POSTBACK_KINDS - STREAM_KINDS


@dataclass(frozen=True, slots=True)
class Call:
    """What a fault can strike: a request, or a postback (then `request` is the status it tells)."""

    request: str
    account: str
    symbol: str = ""
    side: str = ""
    tag: str = ""


class Fault(BaseModel):
    """One switch. Patterns are those of the shell (`*PE`); empty means any."""

    model_config = ConfigDict(extra="forbid")

    kind: FaultKind
    request: str = ""
    account: str = ""
    symbol: str = ""
    side: str = ""
    tag: str = ""
    skip: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    reason: str = ""
    share: float = Field(default=0.5, gt=0, lt=1)
    until_modified: int = Field(default=0, ge=0)
    hits: int = 0

    def strikes(self, call: Call) -> bool:
        """The switch is meant for `call` and is not used up."""
        if self.count and self.hits >= self.count + self.skip:
            return False
        pairs = (
            (self.request or ("place" if self.kind in REPLY_KINDS | ORDER_KINDS else "*"), call.request),
            (self.account, call.account),
            (self.symbol, call.symbol),
            (self.side, call.side),
            (self.tag, call.tag),
        )
        return all(fnmatchcase(value, pattern or "*") for pattern, value in pairs)

    def use(self) -> bool:
        """Count a hit; False while the first ones are being skipped."""
        self.hits += 1
        return self.hits > self.skip


class Faults:
    """The switches that are set, in the order in which they were."""

    def __init__(self) -> None:
        self.all: list[Fault] = []

    def set(self, faults: Iterable[Fault]) -> None:
        self.all.extend(faults)

    def clear(self) -> None:
        self.all.clear()

    def of_reply(self, call: Call) -> Fault | None:
        """The first switch that spoils the reply to this request."""
        return next(iter(self._take(REPLY_KINDS, call, at_most=1)), None)

    def of_order(self, call: Call) -> Behaviour:
        """How the exchange is to treat this order: all switches meant for it, together."""
        return reduce(_add, self._take(ORDER_KINDS, call), Behaviour())

    def of_postback(self, call: Call) -> list[Fault]:
        return self._take(POSTBACK_KINDS, call)

    def of_stream(self, call: Call) -> list[Fault]:
        """What goes wrong with an account's ticks this second."""
        return self._take(STREAM_KINDS, call)

    def _take(self, kinds: frozenset[FaultKind], call: Call, at_most: int = 100) -> list[Fault]:
        struck: list[Fault] = []
        for fault in self.all:
            if len(struck) < at_most and fault.kind in kinds and fault.strikes(call) and fault.use():
                struck.append(fault)
        return struck


def _add(how: Behaviour, fault: Fault) -> Behaviour:
    """`how`, with one more switch."""
    changes: dict[FaultKind, dict[str, Any]] = {
        FaultKind.REJECT: {
            "reject": fault.reason or "RMS:Rule: Check circuit limit including square off order"
        },
        FaultKind.INVISIBLE: {"invisible_seconds": fault.seconds},
        FaultKind.STUCK: {"stuck_seconds": fault.seconds},
        FaultKind.SLOW_FILL: {"held": True, "hold_seconds": fault.seconds},
        FaultKind.HOLD_OPEN: {
            "held": True,
            "hold_seconds": fault.seconds,
            "until_modified": fault.until_modified,
        },
        FaultKind.PARTIAL: {
            "held": True,
            "first_share": fault.share,
            "hold_seconds": fault.seconds,
            "until_modified": fault.until_modified,
        },
        FaultKind.CANCEL_LOSES: {"cancel_loses": True},
    }
    return replace(how, **changes[fault.kind])
